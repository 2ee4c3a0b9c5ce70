using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BatchMl.Hosting;
using BatchMl.Hosting.Verbs;
using BatchMl.Operations;

namespace BatchMl.Server.Access;

/// <summary><c>keys add|list|revoke</c>: API keys of a workspace's server.</summary>
public sealed class KeysVerb : Verb
{
    /// <summary>The verb of an application.</summary>
    public KeysVerb(BatchMlApplication application) : base(application, "keys", "Make, list and revoke keys for the server's API and pages")
    {
        foreach (var verb in new Verb[] { new AddVerb(application), new ListVerb(application), new RevokeVerb(application) }) Command.Subcommands.Add(verb.Command);
    }

    /// <inheritdoc/>
    protected override Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel) => throw new DefinitionException("'keys' needs one of: add NAME, list, revoke NAME.");

    abstract class KeyVerb : Verb
    {
        readonly Option<string?> workspace, storage;

        protected KeyVerb(BatchMlApplication application, string name, string description) : base(application, name, description)
        {
            workspace = Workspace();
            storage = Add(new Option<string?>("--storage") { Description = "Where the catalog is, as for 'serve'", HelpName = "STORAGE" });
        }

        protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
        {
            var settings = new Dictionary<string, string?>(Settings(parsed), StringComparer.OrdinalIgnoreCase);
            if (parsed.GetValue(storage) is { } given) settings["Storage"] = given;
            await using var session = Application.Open(new SessionOptions(parsed.GetValue(workspace), settings));
            await using var operations = Application.Operations!(session.Store);
            return await InvokeAsync(parsed, operations, cancel);
        }

        protected abstract Task<int> InvokeAsync(ParseResult parsed, IOperations operations, CancellationToken cancel);

        protected DateTimeOffset Now => Application.Clock.GetUtcNow();

        // Who can run verbs can change the catalog itself, so this is a trace and no proof.
        protected Task RecordAsync(IOperations operations, string action, string name, object details, CancellationToken cancel) =>
            operations.RecordAsync($"{Environment.UserName}@{Environment.MachineName}", action, name, JsonSerializer.Serialize(details), Now, cancel);
    }

    sealed class AddVerb : KeyVerb
    {
        readonly Argument<string> name;
        readonly Option<string> role;

        public AddVerb(BatchMlApplication application) : base(application, "add", "Make a key; it is printed once and kept only as a digest")
        {
            name = Add(new Argument<string>("NAME") { Description = "Whose key it is; what they do is recorded under this name" });
            role = Add(new Option<string>("--role") { Description = "What it allows: viewer (look) or operator (start, stop and pause too)", DefaultValueFactory = _ => Roles.Viewer });
            role.AcceptOnlyFromAmong(Roles.Viewer, Roles.Operator);
        }

        protected override async Task<int> InvokeAsync(ParseResult parsed, IOperations operations, CancellationToken cancel)
        {
            var (who, allowed) = (parsed.GetValue(name)!, parsed.GetValue(role)! == Roles.Operator ? AccessRole.Operator : AccessRole.Viewer);
            if (who.Trim().Length == 0 || who.Length > 100 || who.Any(char.IsControl)) throw new DefinitionException($"The key's name is '{who}'; expected 1 to 100 characters of one line.");
            var key = KeyText.New();
            if (!await operations.AddKeyAsync(new ApiKey(who, KeyText.HashOf(key), allowed, Now, null), cancel)) throw new DefinitionException($"There is a key of '{who}' already; choose another name or revoke it: keys revoke {who}");
            await RecordAsync(operations, "key.add", who, new { role = Roles.NameOf(allowed) }, cancel);
            await Application.Error.WriteLineAsync($"A key of {who}, role {Roles.NameOf(allowed)}. It is not shown again.");
            await Application.Out.WriteLineAsync(key);
            return ExitCodes.Done;
        }
    }

    sealed class ListVerb(BatchMlApplication application) : KeyVerb(application, "list", "List the keys, without the keys themselves")
    {
        protected override async Task<int> InvokeAsync(ParseResult parsed, IOperations operations, CancellationToken cancel)
        {
            var keys = await operations.KeysAsync(cancel);
            if (keys.Count == 0) await Application.Out.WriteLineAsync("No keys.");
            foreach (var key in keys)
            {
                await Application.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                    $"{key.Name,-20}  {Roles.NameOf(key.Role),-8}  made {key.CreatedAt:yyyy-MM-dd HH:mm}Z{(key.RevokedAt is { } at ? $"  revoked {at:yyyy-MM-dd HH:mm}Z" : "")}"));
            }
            return ExitCodes.Done;
        }
    }

    sealed class RevokeVerb : KeyVerb
    {
        readonly Argument<string> name;

        public RevokeVerb(BatchMlApplication application) : base(application, "revoke", "Make a key void; sessions that began with it end") =>
            name = Add(new Argument<string>("NAME") { Description = "Whose key" });

        protected override async Task<int> InvokeAsync(ParseResult parsed, IOperations operations, CancellationToken cancel)
        {
            var who = parsed.GetValue(name)!;
            if (!await operations.RevokeKeyAsync(who, Now, cancel)) throw new DefinitionException($"There is no key of '{who}' that is not revoked. 'keys list' lists them.");
            await RecordAsync(operations, "key.revoke", who, new { }, cancel);
            await Application.Out.WriteLineAsync($"The key of {who} is void.");
            return ExitCodes.Done;
        }
    }
}
