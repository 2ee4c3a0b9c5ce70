using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.DuckDb;

/// <summary>One query per fragment, over pinned files.</summary>
/// <param name="schema">Of all queries.</param>
/// <param name="inputs">The files.</param>
/// <param name="fragments">Queries, each with the input that its rows are reported from.</param>
/// <param name="byPath">True: the queries open the files by their paths, so that only a check after each read tells that it was the pinned ones.</param>
sealed class DuckDbSnapshot(Schema schema, IReadOnlyList<PinnedInput> inputs, IReadOnlyList<DuckDbQuery> fragments, bool byPath) : ISourceSnapshot
{
    static readonly Dictionary<string, ColumnStatistics> unknown = [];

    public Schema Schema => schema;
    public IReadOnlyList<SourceFile> Files { get; } = [.. inputs.Select(i => i.Identity)];

    public IReadOnlyList<SourceFragment> Fragments { get; } =
        [.. fragments.Select((_, i) => new SourceFragment(i, i, 0, 0, -1, byPath ? inputs.Sum(f => f.Identity.Size) : inputs[i].Identity.Size, unknown))];

    public IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, CancellationToken cancel)
    {
        ScanChecks.Check(this, request);
        return ReadFragmentsAsync(request, cancel);
    }

    async IAsyncEnumerable<SourceBatch> ReadFragmentsAsync(ScanRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        var wanted = new Schema(request.Columns.Select(Schema.GetFieldByName), null);
        foreach (var fragment in request.Fragments ?? [.. Enumerable.Range(0, fragments.Count)])
        {
            if (byPath) Verify();
            long row = 0;
            await foreach (var batch in fragments[fragment].ReadAsync(wanted, request.BatchSize, cancel))
            {
                var first = row;
                row += batch.Length;
                yield return new SourceBatch(batch, inputs[fragment].Path, first);
            }
            if (byPath) Verify();
        }
    }

    public void Verify()
    {
        foreach (var input in inputs) input.Verify();
    }

    public void Dispose()
    {
        foreach (var input in inputs) input.Dispose();
    }
}
