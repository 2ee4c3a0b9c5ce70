using System.Security.Cryptography;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.Parquet;

/// <summary>
/// Digest of rows as content, in order, without the columns that say which run wrote them. SHA-256 over the row count and, per column, its name, its type and one hash each of validity, lengths and values.
/// Does not depend on batch boundaries, offsets, dictionaries, integer and float widths, what lies in null slots, or which NaN a NaN is. -0.0 and 0.0 are different content.
/// </summary>
sealed class ContentDigest(Schema schema)
{
    static readonly string[] notContent = ["run_id", "scored_at"];

    readonly ColumnHash?[] columns = [.. schema.FieldsList.Select(f => notContent.Contains(f.Name) ? null : new ColumnHash())];
    long rows;

    public void Add(RecordBatch batch)
    {
        for (var c = 0; c < columns.Length; c++) columns[c]?.Add(batch.Column(c));
        rows += batch.Length;
    }

    public string Finish()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{rows} rows"));
        for (var c = 0; c < columns.Length; c++)
        {
            if (columns[c] is not { } column) continue;
            var field = schema.FieldsList[c];
            hash.AppendData(Encoding.UTF8.GetBytes($"\n{field.Name}: {ColumnHash.Canonical(field.DataType)?.ToString() ?? LineageTypes.Text(field.DataType)}\n"));
            column.Finish(hash);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
