using BatchMl.Runs;

namespace BatchMl.Hosting.Places;

/// <summary>What is bound to what, and which file, variable or option says so: a section of <c>plan</c>. Secrets are shown by their references alone.</summary>
static class BoundSection
{
    /// <summary>The section for a step.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="workspace">What <c>--workspace</c> says; null: nothing.</param>
    /// <param name="sources">The bindings.</param>
    /// <param name="names">The sources that the step reads.</param>
    public static PlanSection Of(ProgramSettings settings, string? workspace, SourceBindings sources, IEnumerable<string> names) => new("bound",
    [
        $"settings: {(settings.Files.Any() ? string.Join(", ", settings.Files) : "no file")}; environment {settings.Environment} ({settings.EnvironmentOrigin})",
        $"workspace: {workspace ?? settings.Find(ProgramSettings.Names.Workspace)?.Value ?? ProgramSettings.Names.DefaultWorkspace} ({(workspace is null ? settings.Origin(ProgramSettings.Names.Workspace) : "--workspace")})",
        $"models: {settings.Find(ProgramSettings.Names.Models)?.Value ?? "models, in the workspace"} ({settings.Origin(ProgramSettings.Names.Models)})",
        $"catalog: {Storage(settings.Find(ProgramSettings.Names.Storage)?.Value)} ({settings.Origin(ProgramSettings.Names.Storage)})",
        $"sink of scores: {settings.Find(SinkAddress.Setting)?.Value ?? "parquet"} ({settings.Origin(SinkAddress.Setting)})",
        .. names.Select(sources.Describe),
    ]);

    static string Storage(string? setting) => setting switch
    {
        null or "memory" => "catalog.db, in the workspace",
        _ when Secret.IsReference(setting) => setting,
        _ => "PostgreSQL, by an address that is not shown",
    };
}
