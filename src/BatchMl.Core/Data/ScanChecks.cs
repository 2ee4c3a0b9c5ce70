namespace BatchMl.Data;

/// <summary>What every source checks of a request before it reads.</summary>
public static class ScanChecks
{
    /// <summary>Checks a request against a snapshot.</summary>
    /// <exception cref="DataException">Columns that the table does not have; all are named.</exception>
    /// <exception cref="ArgumentException">A column asked for twice, a fragment that does not exist, fragments that do not ascend, or a batch size below 1.</exception>
    public static void Check(ISourceSnapshot snapshot, ScanRequest request)
    {
        var missing = request.Columns.Where(c => snapshot.Schema.GetFieldIndex(c) < 0).ToArray();
        if (missing.Length > 0)
        {
            throw new DataException($"{snapshot.Files[0].Path} has no column {string.Join(", ", missing.Select(m => $"'{m}'"))}. "
                + $"It has: {string.Join(", ", snapshot.Schema.FieldsList.Select(f => f.Name))}. Correct the definition, or bind the source elsewhere.");
        }
        if (request.Columns.Distinct(StringComparer.Ordinal).Count() < request.Columns.Count) throw new ArgumentException("A column is asked for twice.", nameof(request));
        if (request.BatchSize < 1) throw new ArgumentException($"The batch size is {request.BatchSize}; expected at least 1.", nameof(request));
        var last = -1;
        foreach (var fragment in request.Fragments ?? [])
        {
            if (fragment <= last || fragment >= snapshot.Fragments.Count)
                throw new ArgumentException($"Fragment {fragment} after {last}, of {snapshot.Fragments.Count}; expected ascending ordinals.", nameof(request));
            last = fragment;
        }
    }
}
