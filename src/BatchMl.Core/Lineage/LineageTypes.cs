using Apache.Arrow.Types;

namespace BatchMl.Lineage;

/// <summary>Arrow types as lineage and plans write them, e.g. <c>timestamp[us, UTC]</c>, <c>list&lt;int32&gt;</c>.</summary>
public static class LineageTypes
{
    /// <summary>A type's text.</summary>
    public static string Text(IArrowType type) => type switch
    {
        TimestampType t => t.Timezone is null ? $"timestamp[{Unit(t.Unit)}]" : $"timestamp[{Unit(t.Unit)}, {t.Timezone}]",
        Decimal128Type d => $"decimal({d.Precision}, {d.Scale})",
        DictionaryType d => Text(d.ValueType),
        ListType l => $"list<{Text(l.ValueDataType)}>",
        StructType s => $"struct<{string.Join(", ", s.Fields.Select(f => $"{f.Name}: {Text(f.DataType)}"))}>",
        _ => type.Name,
    };

    static string Unit(TimeUnit unit) => unit switch
    {
        TimeUnit.Second => "s",
        TimeUnit.Millisecond => "ms",
        TimeUnit.Microsecond => "us",
        _ => "ns",
    };
}
