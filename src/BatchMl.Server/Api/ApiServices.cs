using System.Text.Json;
using System.Text.Json.Serialization;
using BatchMl.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace BatchMl.Server.Api;

/// <summary>The JSON API under <c>/api/v1</c>: what pages show and do, for programs. Names are in snake_case, as the command line prints them; instants in ISO 8601, durations as <c>[d.]hh:mm:ss</c>; errors are problem details (RFC 9457).</summary>
static class ApiServices
{
    const string Root = "/api/v1";

    public static void AddApi(this IServiceCollection services)
    {
        services.AddProblemDetails();
        services.ConfigureHttpJsonOptions(o =>
        {
            o.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            o.SerializerOptions.DictionaryKeyPolicy = null;
            o.SerializerOptions.NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals;
            o.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower));
        });
        services.AddOpenApi("v1", o => o.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = "BatchMl", Version = "v1", Description = "Runs, schedules, partitions, models and drift of a BatchMl workspace." };
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                ["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A key, made with 'keys add NAME'. Without one on loopback, where that is allowed." },
            };
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("key", document)] = [] }];
            return Task.CompletedTask;
        }));
    }

    public static void MapApi(this WebApplication server)
    {
        server.MapOpenApi().RequireAuthorization(Roles.Viewer);
        var api = server.MapGroup(Root).RequireAuthorization(Roles.Viewer).DisableAntiforgery();
        api.ProducesProblem(401).ProducesProblem(403).ProducesProblem(400);
        ReadApi.Map(api);
        ActionApi.Map(api);
    }

    /// <summary>Whether a request is a program's: it is told of errors as problem details, not as a page.</summary>
    public static bool IsApi(HttpContext context) => context.Request.Path.StartsWithSegments("/api") || context.Request.Path.StartsWithSegments("/openapi") || context.Request.Path.StartsWithSegments("/metrics");

    /// <summary>An error as problem details: definition errors are the caller's, a busy store passes.</summary>
    public static async Task ProblemAsync(HttpContext context)
    {
        var error = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var (status, title) = error switch
        {
            DefinitionException => (400, "The request can not be done"),
            BadHttpRequestException bad => (bad.StatusCode, "The request can not be read"),
            BatchMlException { Kind: FailureKind.Transient } => (503, "Try again later"),
            _ => (500, "Something went wrong on the server; its log says what"),
        };
        // What a defect says of the server's inside is for its log.
        await Results.Problem(statusCode: status, title: title, detail: error is BatchMlException or BadHttpRequestException ? error.Message : null).ExecuteAsync(context);
    }
}
