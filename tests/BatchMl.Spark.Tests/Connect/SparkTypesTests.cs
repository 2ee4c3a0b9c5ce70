using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Spark.Connect;
using Proto = global::Spark.Connect;

namespace BatchMl.Spark.Tests.Connect;

public sealed class SparkTypesTests
{
    [Fact]
    public void Every_type_survives_messages_and_ddl()
    {
        var ddl = SparkTypes.ToDdl(AllTypes.Schema);
        Assert.Equal(ddl, SparkTypes.ToDdl(SparkTypes.FromDdl(ddl)));
        var message = SparkTypes.ToProto(AllTypes.Schema);
        Assert.Equal(message, SparkTypes.ToProto(SparkTypes.FromProto(message)));
        Assert.Equal(message, SparkTypes.ToProto(SparkTypes.FromDdl(ddl)));
    }

    [Fact]
    public void Ddl_is_read_as_spark_writes_it()
    {
        var schema = SparkTypes.FromDdl(" id bigint NOT NULL COMMENT 'the \\'key', `a``b` STRUCT<x: INT NOT NULL, y array<map<string,decimal(5,2)>>>, v varchar(10),d decimal ");
        Assert.Equal(["id", "a`b", "v", "d"], schema.FieldsList.Select(f => f.Name));
        Assert.Equal([false, true, true, true], schema.FieldsList.Select(f => f.IsNullable));
        Assert.False(((StructType)schema.GetFieldByIndex(1).DataType).Fields[0].IsNullable);
        Assert.Equal("`id` BIGINT, `a``b` STRUCT<`x`: INT, `y`: ARRAY<MAP<STRING, DECIMAL(5,2)>>>, `v` STRING, `d` DECIMAL(10,0)", SparkTypes.ToDdl(schema));
        Assert.Empty(SparkTypes.FromDdl("").FieldsList);
    }

    [Theory]
    [InlineData("id", "expected a name or a type")]
    [InlineData("id BIGINT,", "expected a name or a type")]
    [InlineData("id BIGINT NOT", "expected NULL")]
    [InlineData("id ARRAY<INT", "expected '>'")]
    [InlineData("id DECIMAL(99,2)", "precision")]
    [InlineData("id INTERVAL DAY", "'INTERVAL'")]
    [InlineData("`id BIGINT", "closing `")]
    [InlineData("id BIGINT extra", "expected ','")]
    public void Wrong_ddl_says_where(string ddl, string expected) =>
        Assert.Contains(expected, Assert.Throws<DefinitionException>(() => SparkTypes.FromDdl(ddl)).Message, StringComparison.Ordinal);

    [Fact]
    public void Nesting_has_an_end()
    {
        var ddl = $"x {string.Concat(Enumerable.Repeat("ARRAY<", 100_000))}";
        Assert.Contains("nested at most", Assert.Throws<DefinitionException>(() => SparkTypes.FromDdl(ddl)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_columns_without_a_counterpart_are_named()
    {
        var schema = new Schema(
        [
            new Field("u", UInt32Type.Default, true),
            new Field("s", new StructType([new Field("ms", new TimestampType(TimeUnit.Millisecond, "UTC"), true)]), true),
            new Field("fine", Int64Type.Default, true),
        ], null);
        var error = Assert.Throws<DefinitionException>(() => SparkTypes.ToDdl(schema));
        Assert.Collection(error.Problems, p => Assert.Contains("'u'", p, StringComparison.Ordinal), p => Assert.Contains("'s.ms'", p, StringComparison.Ordinal));
    }

    [Fact]
    public void A_type_of_a_newer_spark_is_named_and_not_guessed()
    {
        var type = new Proto.DataType { Struct = new() { Fields = { new Proto.DataType.Types.StructField { Name = "new", DataType = new() }, new Proto.DataType.Types.StructField { Name = "v", DataType = new() { Variant = new() } } } } };
        Assert.Equal(2, Assert.Throws<DefinitionException>(() => SparkTypes.FromProto(type)).Problems.Count);
    }
}
