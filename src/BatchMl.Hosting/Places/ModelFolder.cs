using BatchMl.Runs;

namespace BatchMl.Hosting.Places;

/// <summary>
/// The setting <c>Models</c>: model packages elsewhere than in the workspace. A workspace's ledger says which versions there are, so two workspaces that wrote into one folder would take each other's
/// versions for their own; the folder belongs to the first that used it.
/// </summary>
static class ModelFolder
{
    const string Owner = "_workspace";
    const string Identity = "workspace.id";

    /// <summary>The folder, claimed for a workspace; null: the setting is not there.</summary>
    /// <exception cref="DefinitionException">It is another workspace's, or can not be written to.</exception>
    public static string? Claimed(ProgramSettings settings, Workspace workspace)
    {
        if (settings.Find(ProgramSettings.Names.Models) is not { } said) return null;
        var folder = settings.Absolute(said.Value);
        if (folder.Contains("://", StringComparison.Ordinal)) throw new DefinitionException($"Models is '{said.Value}' ({said.Origin}); expected a local folder.");
        try
        {
            Directory.CreateDirectory(folder);
            Directory.CreateDirectory(workspace.Root);
            var own = Once(Path.Combine(workspace.Root, Identity), Guid.NewGuid().ToString("N"));
            var owner = Once(Path.Combine(folder, Owner), $"{own} {workspace.Root}").Split(' ', 2);
            return owner[0] == own ? folder : throw new DefinitionException(
                $"Models is {said.Value} ({said.Origin}), the models of the workspace {owner.ElementAtOrDefault(1) ?? "(unknown)"}. Two workspaces can not share a folder of models: each ledger has versions of its own. "
                + $"Expected another folder; if that workspace is gone, remove {Owner} in the folder.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DefinitionException($"Models is {said.Value} ({said.Origin}), where nothing can be written: {e.Message} Expected a writable local folder.");
        }
    }

    // Whoever comes first writes it; of two at once, one. A name appears with its text: a reader can not meet half of it.
    static string Once(string path, string text)
    {
        if (!File.Exists(path))
        {
            var temporary = $"{path}.{Guid.NewGuid():N}";
            File.WriteAllText(temporary, text);
            try
            {
                File.Move(temporary, path, overwrite: false);
            }
            catch (IOException) when (File.Exists(path))
            {
                File.Delete(temporary);
            }
        }
        return File.ReadAllText(path).Trim();
    }
}
