using Apache.Arrow.Types;

namespace BatchMl.Lineage;

/// <summary>Arrow types as lineage and plans write them, e.g. <c>timestamp[us, UTC]</c>, <c>list&lt;int32&gt;</c>.</summary>
public static class LineageTypes
{
    /// <summary>A type's text.</summary>
    public static string Text(IArrowType type) => type switch
    {
        TimestampType t => t.Timezone is null ? $"timestamp[{Unit(t.Unit)}]" : $"timestamp[{Unit(t.Unit)}, {t.Timezone}]",
        Decimal32Type d => $"decimal({d.Precision}, {d.Scale})",
        Decimal64Type d => $"decimal({d.Precision}, {d.Scale})",
        Decimal128Type d => $"decimal({d.Precision}, {d.Scale})",
        Decimal256Type d => $"decimal({d.Precision}, {d.Scale})",
        Time32Type t => $"time[{Unit(t.Unit)}]",
        Time64Type t => $"time[{Unit(t.Unit)}]",
        DictionaryType d => Text(d.ValueType),
        ListType l => $"list<{Text(l.ValueDataType)}>",
        LargeListType l => $"list<{Text(l.ValueDataType)}>",
        FixedSizeListType l => $"list<{Text(l.ValueDataType)}>",
        MapType m => $"map<{Text(m.KeyField.DataType)}, {Text(m.ValueField.DataType)}>",
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
