using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.BigQuery.Client;
using BatchMl.Data;

namespace BatchMl.BigQuery.Tests.Sink;

public sealed class FieldTypesTests
{
    static BigQueryField One(IArrowType type, bool nullable = true) => Assert.Single(DescribedSchema.Of(new Schema([new Field("x", type, nullable)], null)).Fields);

    static string Refused(IArrowType type) => Assert.Throws<DefinitionException>(() => One(type)).Message;

    public static TheoryData<IArrowType, string> Simple => new()
    {
        { BooleanType.Default, "BOOLEAN" }, { Int8Type.Default, "INTEGER" }, { Int64Type.Default, "INTEGER" }, { UInt32Type.Default, "INTEGER" }, { FloatType.Default, "FLOAT" }, { DoubleType.Default, "FLOAT" },
        { StringType.Default, "STRING" }, { BinaryType.Default, "BYTES" }, { Date32Type.Default, "DATE" }, { Columns.UtcMicroseconds, "TIMESTAMP" }, { new TimestampType(TimeUnit.Nanosecond, "UTC"), "TIMESTAMP" },
        { new Time64Type(TimeUnit.Microsecond), "TIME" }, { new Decimal128Type(18, 4), "NUMERIC" }, { new Decimal128Type(38, 9), "NUMERIC" }, { new Decimal128Type(38, 10), "BIGNUMERIC" }, { new Decimal256Type(76, 38), "BIGNUMERIC" },
        { LargeStringType.Default, "STRING" }, { LargeBinaryType.Default, "BYTES" }, { StringViewType.Default, "STRING" }, { new FixedSizeBinaryType(16), "BYTES" }, { new DictionaryType(Int32Type.Default, StringType.Default, false), "STRING" },
    };

    [Theory, MemberData(nameof(Simple))]
    public void Types_have_the_name_that_answers_have(IArrowType type, string expected) => Assert.Equal((expected, "NULLABLE"), (One(type).Type, One(type).Mode));

    [Fact]
    public void What_may_not_be_null_is_required() => Assert.Equal("REQUIRED", One(Int64Type.Default, nullable: false).Mode);

    [Fact]
    public void Decimals_keep_their_digits() => Assert.Equal((18, 4), (One(new Decimal128Type(18, 4)).Precision, One(new Decimal128Type(18, 4)).Scale));

    [Fact]
    public void Lists_repeat_and_structs_are_records()
    {
        var field = One(new ListType(new Field("item", new StructType([new Field("a", Int64Type.Default, true), new Field("b", new ListType(StringType.Default), true), new Field("c", new Decimal128Type(10, 2), true)]), true)));
        Assert.Equal(("RECORD", "REPEATED"), (field.Type, field.Mode));
        Assert.Equal([("a", "INTEGER", "NULLABLE"), ("b", "STRING", "REPEATED"), ("c", "NUMERIC", "NULLABLE")], field.Fields!.Select(f => (f.Name, f.Type, f.Mode!)));
    }

    [Fact]
    public void What_BigQuery_does_not_have_is_refused_with_what_to_do()
    {
        Assert.Contains("Make the inner list a field of a struct", Refused(new ListType(new ListType(Int64Type.Default))), StringComparison.Ordinal);
        Assert.Contains("Convert it to float", Refused(HalfFloatType.Default), StringComparison.Ordinal);
        Assert.Contains("Round it, or convert it to text", Refused(new Decimal256Type(76, 0)), StringComparison.Ordinal);
        Assert.Contains("Convert it, or leave it out", Refused(new Time64Type(TimeUnit.Nanosecond)), StringComparison.Ordinal);
        Assert.Contains("Convert it, or leave it out", Refused(new MapType(StringType.Default, Int64Type.Default)), StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        var error = Assert.Throws<DefinitionException>(() => DescribedSchema.Of(new Schema([new Field("a", HalfFloatType.Default, true), new Field("b", Int64Type.Default, true), new Field("c", new ListType(new ListType(Int64Type.Default)), true)], null)));
        Assert.Equal(["a", "c"], error.Problems.Select(p => p.Split('\'')[1]));
    }

    [Fact]
    public void Descriptions_go_along()
    {
        var schema = new Schema([new Field("x", Int64Type.Default, true, [KeyValuePair.Create("description", "What it is")])], null);
        Assert.Equal("What it is", Assert.Single(DescribedSchema.Of(schema).Fields).Description);
    }
}
