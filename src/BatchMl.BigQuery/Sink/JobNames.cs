using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BatchMl.BigQuery.Client;
using BatchMl.Data;

namespace BatchMl.BigQuery;

/// <summary>
/// Ids of jobs that follow from what they do, so that whoever does it again finds that it was done: table, partition, fence and the bytes of the file. Rows carry their run's id, so another run's file has other bytes.
/// </summary>
static class JobNames
{
    /// <summary>The begin of the ids of jobs that put a version of a partition into a table. Of what is appended without the fence: the same content gets in once, whoever made it.</summary>
    public static string Prefix(TableReference table, StagedPartition version, BigQueryMode mode)
    {
        var key = version.Key;
        var what = mode == BigQueryMode.Append
            ? $"append\n{version.ContentDigest}"
            : string.Create(CultureInfo.InvariantCulture, $"{mode}\n{version.Fence}\n{string.Join('\n', version.Files.Where(f => f.Kind == FileKind.Data).Select(f => f.Sha256))}");
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{table}\n{key.Dataset}\n{key.Column}\n{key.Value}\n{what}")))[..20];
        return $"batchml-{Plain(table.TableId)}-{Plain(key.Value)}-{hash}";
    }

    /// <summary>The id of one step, in a table that may be removed and made anew: what was loaded into the one before is not in this one.</summary>
    public static string Step(string prefix, string step, BigQueryTable into) => $"{prefix}-{step}-{(into.CreationTime ?? 0).ToString("x", CultureInfo.InvariantCulture)}";

    /// <summary>The staging table of a version, in the dataset of its table.</summary>
    public static TableReference Staging(TableReference table, string prefix) => table with { TableId = $"{table.TableId}__staging_{prefix[(prefix.LastIndexOf('-') + 1)..]}" };

    /// <summary>The begin of a text, of characters that an id may have.</summary>
    public static string Plain(string text)
    {
        var plain = new StringBuilder();
        foreach (var c in text.Take(60)) plain.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
        return plain.ToString();
    }
}
