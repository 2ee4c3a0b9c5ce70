using System.Globalization;
using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery;

/// <summary>Types of Arrow, as <see cref="Lineage.LineageTypes"/> writes them, to types of BigQuery that hold the same values.</summary>
static class FieldTypes
{
    /// <summary>A column of BigQuery; null: there is none that holds such values.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">E.g. <c>list&lt;struct&lt;a: int64&gt;&gt;</c>.</param>
    /// <param name="isNullable">Whether there may be nulls.</param>
    /// <param name="why">Why there is none, and what to do.</param>
    public static BigQueryField? Of(string name, string type, bool isNullable, out string why)
    {
        why = "which BigQuery can not load from Parquet. Convert it, or leave it out.";
        var mode = isNullable ? FieldMode.Nullable : FieldMode.Required;
        if (Inside(type, "list") is { } item)
        {
            if (Inside(item, "list") is not null)
            {
                why = "and BigQuery has no lists of lists. Make the inner list a field of a struct.";
                return null;
            }
            return Of(name, item, isNullable: true, out why) is { } one ? one with { Mode = FieldMode.Repeated } : null;
        }
        if (Inside(type, "struct") is { } inner)
        {
            var fields = new List<BigQueryField>();
            foreach (var part in Parts(inner))
            {
                var at = part.IndexOf(": ", StringComparison.Ordinal);
                if (at <= 0 || Of(part[..at], part[(at + 2)..], isNullable: true, out why) is not { } field) return null;
                fields.Add(field);
            }
            return fields.Count == 0 ? null : new BigQueryField { Name = name, Type = FieldType.Record, Mode = mode, Fields = fields };
        }
        if (type.StartsWith("decimal(", StringComparison.Ordinal)) return Decimal(name, type, mode, ref why);
        var simple = Simple(type, ref why);
        return simple is null ? null : new BigQueryField { Name = name, Type = simple, Mode = mode };
    }

    static string? Simple(string type, ref string why)
    {
        switch (type)
        {
            case "bool": return FieldType.Boolean;
            case "int8" or "int16" or "int32" or "int64" or "uint8" or "uint16" or "uint32" or "uint64": return FieldType.Integer;
            case "float" or "double": return FieldType.Float;
            case "utf8" or "largeutf8" or "utf8view" or "large_utf8" or "utf8_view": return FieldType.String;
            case "binary" or "largebinary" or "large_binary" or "binaryview" or "binary_view" or "fixed_size_binary": return FieldType.Bytes;
            case "date32" or "date64": return FieldType.Date;
            case "time[ms]" or "time[us]": return FieldType.Time;
            case "halffloat":
                why = "which BigQuery can not load from Parquet. Convert it to float.";
                return null;
        }
        if (!type.StartsWith("timestamp[", StringComparison.Ordinal)) return null;
        return FieldType.Timestamp;
    }

    static BigQueryField? Decimal(string name, string type, string mode, ref string why)
    {
        if (type["decimal(".Length..^1].Split(", ") is not [var p, var s] || !long.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var precision)
            || !long.TryParse(s, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var scale)) return null;
        var digits = precision - scale;
        // The narrower one if it holds all values: that is what BigQuery chooses itself.
        if (scale is >= 0 and <= 9 && digits is >= 0 and <= 29) return new BigQueryField { Name = name, Type = FieldType.Numeric, Mode = mode, Precision = digits == 0 ? null : precision, Scale = digits == 0 ? null : scale };
        if (scale is >= 0 and <= 38 && digits is >= 0 and <= 38) return new BigQueryField { Name = name, Type = FieldType.BigNumeric, Mode = mode, Precision = digits == 0 ? null : precision, Scale = digits == 0 ? null : scale };
        why = "and BigQuery's decimals have 38 digits before and 38 after the point at most. Round it, or convert it to text.";
        return null;
    }

    static string? Inside(string type, string of) => type.StartsWith($"{of}<", StringComparison.Ordinal) && type.EndsWith('>') ? type[(of.Length + 1)..^1] : null;

    /// <summary>What commas separate, outside of brackets.</summary>
    static IEnumerable<string> Parts(string text)
    {
        var (depth, from) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '<' or '(' or '[') depth++;
            else if (text[i] is '>' or ')' or ']') depth--;
            else if (text[i] == ',' && depth == 0)
            {
                yield return text[from..i];
                from = i + 2;
            }
        }
        if (from < text.Length) yield return text[from..];
    }
}
