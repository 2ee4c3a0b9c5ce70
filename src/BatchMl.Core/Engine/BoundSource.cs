using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Engine;

/// <summary>A source's definition together with the pinned table that configuration gives it.</summary>
sealed class BoundSource(Source source, ISourceSnapshot snapshot)
{
    public Source Source { get; } = source;
    public ISourceSnapshot Snapshot { get; } = snapshot;

    readonly ConcurrentDictionary<Expr, Bounds[]> bounds = new();

    /// <summary>What an expression can be in each fragment. Kept: planning asks it for every partition.</summary>
    public IReadOnlyList<Bounds> BoundsOf(Expr expr) => bounds.GetOrAdd(expr, static (e, s) => [.. s.Fragments.Select(f => Bounds.Of(e, f.Statistics))], Snapshot);

    /// <summary>The identity of each fragment, for digests.</summary>
    public IReadOnlyList<byte[]> Identities => field ??= [.. Snapshot.Fragments.Select(f => Identity(Snapshot.Files[f.File], f.Part))];

    static byte[] Identity(SourceFile file, int part) => Encoding.UTF8.GetBytes(FormattableString.Invariant($"|{Path.GetFileName(file.Path)}|{file.Size}|{file.Modified.UtcTicks}|{file.Digest}|{part}\n"));

    /// <summary>Every difference between the record type and the table's schema.</summary>
    public IEnumerable<string> Differences()
    {
        foreach (var column in Source.Columns)
        {
            if (Snapshot.Schema.GetFieldIndex(column.Name) is var index && index < 0)
            {
                yield return $"Source '{Source.Name}' has no column '{column.Name}' (property of {Source.RecordType.Name}, {column.Type}). "
                    + $"Columns are: {string.Join(", ", Snapshot.Schema.FieldsList.Select(f => f.Name))}. Location: {Location}.";
            }
            else if (!Fits(Columns.TypeOf(Snapshot.Schema.GetFieldByIndex(index).DataType), column.Type))
            {
                yield return $"Column '{column.Name}' of source '{Source.Name}' is of type {Snapshot.Schema.GetFieldByIndex(index).DataType.Name} in the data, "
                    + $"but {Source.RecordType.Name} declares it {column.Type}. Change the property's type, or the data. Location: {Location}.";
            }
        }
    }

    string Location => Snapshot.Files.Count switch
    {
        0 => "no files",
        1 => Snapshot.Files[0].Path,
        var n => $"{Snapshot.Files[0].Path} and {n - 1} more",
    };

    // An integer column may be declared floating: it is widened when read. Nothing else converts.
    static bool Fits(ColumnType? found, ColumnType declared) => found == declared || (found == ColumnType.Int64 && declared == ColumnType.Double);

    /// <summary>
    /// Reads columns, widened to their declared types, of the rows that are rows of the source. A batch is valid until the next one is asked for (Parquet's are native memory): what is
    /// kept must be copied, and so memory does not grow with what is read.
    /// </summary>
    public async IAsyncEnumerable<LocatedBatch> ReadAsync(
        IReadOnlyCollection<string> columns, IReadOnlyList<int> fragments, int batchSize, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (fragments.Count == 0) yield break;
        var wanted = columns.Union(Source.WhereExpr?.Columns() ?? []).ToArray();
        // A row count needs a column to count by, even where no expression reads one.
        if (wanted.Length == 0) wanted = [Source.Columns[0].Name];
        var declared = wanted.Select(name => Source.Columns.First(c => c.Name == name)).ToArray();
        await foreach (var read in Snapshot.ReadAsync(new ScanRequest(wanted, fragments, batchSize), cancel))
        {
            using (read)
            {
                var located = new LocatedBatch(Widen(read, declared), read.File, read.FirstRow, null);
                yield return Source.WhereExpr is { } where ? located.Where(where) : located;
            }
        }
    }

    static RecordBatch Widen(SourceBatch read, SourceColumn[] declared)
    {
        var arrays = new IArrowArray[declared.Length];
        for (var i = 0; i < declared.Length; i++)
        {
            arrays[i] = Columns.Normalize(read.Batch.Column(i));
            if (declared[i].Type == ColumnType.Double && arrays[i] is Int64Array integers) arrays[i] = ToDouble(integers);
            if (!declared[i].Nullable && arrays[i].NullCount > 0)
            {
                throw new DataException(
                    $"{read.File} row {read.FirstRow + FirstNull(arrays[i])}: column '{declared[i].Name}' is null, but its property is not nullable. Make the property nullable, or mend the data.");
            }
        }
        return new RecordBatch(new Schema(declared.Select(c => new Field(c.Name, Columns.ArrowType(c.Type), true)), null), arrays, read.Batch.Length);
    }

    static DoubleArray ToDouble(Int64Array integers)
    {
        var builder = new DoubleArray.Builder().Reserve(integers.Length);
        for (var i = 0; i < integers.Length; i++)
        {
            if (integers.IsNull(i)) builder.AppendNull();
            else builder.Append(integers.Values[i]);
        }
        return builder.Build();
    }

    static int FirstNull(IArrowArray array)
    {
        var row = 0;
        while (array.IsValid(row)) row++;
        return row;
    }
}

/// <summary>Source rows in canonical types that know where they came from.</summary>
/// <param name="Batch">The columns.</param>
/// <param name="File">The file.</param>
/// <param name="FirstRow">Row number, within the file, of the batch's first row as it was read.</param>
/// <param name="Kept">Which of the rows read these are; null: all.</param>
sealed record LocatedBatch(RecordBatch Batch, string File, long FirstRow, int[]? Kept)
{
    public int Rows => Batch.Length;

    public string Describe(int row) => $"{File} row {FirstRow + (Kept is null ? row : Kept[row])}";

    /// <summary>Evaluates an expression on the source's side, where a failing row fails the partition.</summary>
    public IArrowArray Evaluate(Expr expr)
    {
        try
        {
            return CompiledExpr.Compile(expr).Evaluate(Batch);
        }
        catch (RowErrorException e)
        {
            throw new DataException($"{Describe(e.Error.Row)}: {e.Error.Message}. Mend the row, or exclude it with .Where(…) on the source.", e);
        }
    }

    /// <summary>Only the rows for which the condition is true.</summary>
    public LocatedBatch Where(Expr condition)
    {
        var met = (BooleanArray)Evaluate(condition);
        var rows = new List<int>(met.Length);
        for (var i = 0; i < met.Length; i++)
        {
            if (met.GetValue(i) == true) rows.Add(i);
        }
        return rows.Count == met.Length ? this : Take([.. rows]);
    }

    /// <summary>The same rows in memory of their own.</summary>
    public LocatedBatch Copy() => Take([.. Enumerable.Range(0, Rows)]);

    /// <summary>Only these rows, copied.</summary>
    public LocatedBatch Take(int[] rows) => new(
        new RecordBatch(Batch.Schema, Batch.Arrays.Select(a => Columns.Take(a, rows)), rows.Length), File, FirstRow,
        Kept is null ? rows : [.. rows.Select(r => Kept[r])]);
}

/// <summary>Where rows of a source are, as one number each that ascends in the order in which the source is read.</summary>
sealed class RowOrigins(ISourceSnapshot snapshot)
{
    // A million million rows in a file, eight million files.
    const int RowBits = 40;

    readonly Dictionary<string, long> files = snapshot.Files.Select((f, i) => (f.Path, i)).ToDictionary(f => f.Path, f => (long)f.i, StringComparer.Ordinal);

    public long[] Of(LocatedBatch batch)
    {
        var first = (files[batch.File] << RowBits) + batch.FirstRow;
        var origins = new long[batch.Rows];
        for (var i = 0; i < origins.Length; i++) origins[i] = first + (batch.Kept is null ? i : batch.Kept[i]);
        return origins;
    }

    public string Describe(long origin) => $"{snapshot.Files[(int)(origin >> RowBits)].Path} row {origin & ((1L << RowBits) - 1)}";
}
