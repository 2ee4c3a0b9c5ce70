using BatchMl.Data;

namespace BatchMl.DuckDb;

/// <summary>Files of text (CSV, JSON) as a table: the first file says which columns there are and of which types, and the others are read as the same.</summary>
/// <param name="Format">For messages: CSV or JSON.</param>
/// <param name="Extensions">Of the files of a folder.</param>
/// <param name="Guess">A query over a file that finds columns and types.</param>
/// <param name="Read">A query over a file with the types known.</param>
/// <param name="MayLackColumns">Whether a file may be without a column of the first: its rows are null there.</param>
sealed record TextFiles(
    string Format, string[] Extensions, Func<PinnedInput, string> Guess, Func<PinnedInput, IReadOnlyList<KeyValuePair<string, string>>, string> Read, bool MayLackColumns)
{
    /// <exception cref="DataException">A file is missing or not of the format; the files' columns differ; a type is given for a column that does not exist.</exception>
    public ISourceSnapshot Open(string path, IReadOnlyDictionary<string, string> types, CancellationToken cancel)
    {
        var salt = DuckDbText.Struct(types.OrderBy(t => t.Key, StringComparer.Ordinal));
        var inputs = new List<PinnedInput>();
        try
        {
            foreach (var each in PathPattern.Files(path, Extensions)) inputs.Add(PinnedInput.Open(each, salt));
            var found = new List<IReadOnlyList<KeyValuePair<string, string>>>();
            foreach (var input in inputs)
            {
                cancel.ThrowIfCancellationRequested();
                if (input.Identity.Size == 0) throw new DataException($"{input.Path} is empty. Expected {Format} with at least the names of its columns; write the file again, or remove it.");
                found.Add(Query(input, Guess(input)).Types());
            }
            var problems = inputs.SelectMany((input, i) => Problems(input, found[i], inputs[0], found[0], types)).ToArray();
            if (problems.Length > 0) throw new DataException(string.Join(Environment.NewLine, problems));
            KeyValuePair<string, string>[] columns = [.. found[0].Select(f => KeyValuePair.Create(f.Key, types.GetValueOrDefault(f.Key, f.Value)))];
            var queries = inputs.Select(input => Query(input, Read(input, columns))).ToArray();
            return new DuckDbSnapshot(queries[0].Schema(), inputs, queries, byPath: false);
        }
        catch
        {
            foreach (var input in inputs) input.Dispose();
            throw;
        }
    }

    IEnumerable<string> Problems(
        PinnedInput input, IReadOnlyList<KeyValuePair<string, string>> found, PinnedInput first, IReadOnlyList<KeyValuePair<string, string>> expected, IReadOnlyDictionary<string, string> types)
    {
        if (input == first)
        {
            foreach (var name in types.Keys.Where(t => found.All(f => f.Key != t)))
                yield return $"{input.Path} has no column '{name}', for which a type is given. It has: {string.Join(", ", found.Select(f => f.Key))}. Correct the source's Types.";
        }
        foreach (var extra in found.Where(f => expected.All(e => e.Key != f.Key)))
            yield return $"{input.Path} has a column '{extra.Key}', which {first.Path} has not. Expected files of the same columns; rewrite them, or bind them as sources of their own.";
        foreach (var missing in expected.Where(e => !MayLackColumns && found.All(f => e.Key != f.Key)))
            yield return $"{input.Path} has no column '{missing.Key}', which {first.Path} has. Expected files of the same columns; rewrite them, or bind them as sources of their own.";
    }

    DuckDbQuery Query(PinnedInput input, string sql) => new(null, sql, (message, inner) => new DataException(
        $"{input.Path} can not be read as {Format}: {message.Replace(input.DescriptorPath, input.Path, StringComparison.Ordinal)}. "
        + "Correct the file, or give the column another type (the source's Types).", inner));
}
