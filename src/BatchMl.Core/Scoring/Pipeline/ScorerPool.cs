namespace BatchMl.Scoring;

/// <summary>Loads scorers: one for all workers where it may be shared by threads, otherwise one for each; and another one in place of one that hangs.</summary>
sealed class ScorerPool(Func<IScorer> load, ModelManifest model) : IDisposable
{
    readonly Lock gate = new();
    LoadedScorer? kept;

    /// <summary>Loads the first scorer before any row moves.</summary>
    /// <exception cref="DefinitionException">It takes or gives something else than the manifest says.</exception>
    internal void Prepare() => kept = Load();

    /// <summary>A scorer for one worker, who releases it.</summary>
    internal LoadedScorer Rent()
    {
        lock (gate)
        {
            if (kept is { IsRetired: true })
            {
                kept.Release();
                kept = null;
            }
            var scorer = kept ?? Load();
            kept = scorer.Scorer.IsThreadSafe ? scorer : null;
            return kept is null ? scorer : scorer.Share();
        }
    }

    LoadedScorer Load()
    {
        var scorer = load();
        var (got, expected) = (Text(scorer.Signature), Text(model.Signature));
        if (got == expected) return new(scorer);
        scorer.Dispose();
        throw new DefinitionException($"The weights of model {model.Name}@{model.Version} take and give {got}, but its manifest says {expected}. Write the model package again from its weights.");
    }

    static string Text(ModelSignature signature) => $"({Text(signature.Inputs)}) -> ({Text(signature.Outputs)})";

    static string Text(IReadOnlyList<ModelColumn> columns) => string.Join(", ", columns.Select(c => $"{c.Name} {c.Type}"));

    public void Dispose() => kept?.Release();
}
