using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery.Tests.Sink;

public sealed class SchemaChangeTests
{
    static readonly TableReference table = new("my-project", "scores", "flights");

    static BigQueryField F(string name, string type = "INTEGER", string mode = "NULLABLE", long? precision = null, long? scale = null, params BigQueryField[] fields) =>
        new() { Name = name, Type = type, Mode = mode, Precision = precision, Scale = scale, Fields = fields.Length == 0 ? null : fields };

    static SchemaChange Of(BigQueryField[] found, BigQueryField[] rows, SchemaEvolution policy = SchemaEvolution.Strict) =>
        SchemaChange.Of(new BigQueryTable { TableReference = table, Schema = new BigQuerySchema(found) }, new BigQuerySchema(rows), policy);

    [Fact]
    public void Equal_columns_change_nothing_whatever_their_order_case_or_older_type_names()
    {
        var change = Of([F("B", "FLOAT64"), F("a", "INT64", "REQUIRED")], [F("a", mode: "REQUIRED"), F("b", "FLOAT")]);
        Assert.Empty(change.Problems);
        Assert.Empty(change.Changes);
    }

    [Fact]
    public void A_required_column_of_the_rows_fits_a_nullable_one() => Assert.Empty(Of([F("a")], [F("a", mode: "REQUIRED")]).Problems);

    [Fact]
    public void A_new_column_is_added_nullable_if_it_may_be()
    {
        Assert.Contains("SchemaEvolution=add", Assert.Single(Of([F("a")], [F("a"), F("b")]).Problems), StringComparison.Ordinal);
        var change = Of([F("a")], [F("a"), F("b", mode: "REQUIRED"), F("c", mode: "REPEATED")], SchemaEvolution.Add);
        Assert.Empty(change.Problems);
        Assert.Equal([("a", "NULLABLE"), ("b", "NULLABLE"), ("c", "REPEATED")], change.Schema.Fields.Select(f => (f.Name, f.Mode!)));
    }

    [Fact]
    public void New_fields_of_records_are_added_too()
    {
        var change = Of([F("r", "RECORD", fields: F("a"))], [F("r", "RECORD", fields: [F("a"), F("b")])], SchemaEvolution.Add);
        Assert.Equal(["new column r.b (INTEGER)"], change.Changes);
        Assert.Equal(["a", "b"], change.Schema.Fields[0].Fields!.Select(f => f.Name));
    }

    [Fact]
    public void A_column_that_the_rows_lack_stays_null_if_that_is_allowed()
    {
        Assert.Contains("leaves it null", Assert.Single(Of([F("a"), F("b")], [F("a")]).Problems), StringComparison.Ordinal);
        Assert.Empty(Of([F("a"), F("b")], [F("a")], SchemaEvolution.Add).Problems);
        Assert.Contains("SchemaEvolution=relax", Assert.Single(Of([F("a"), F("b", mode: "REQUIRED")], [F("a")], SchemaEvolution.Add).Problems), StringComparison.Ordinal);
        Assert.Equal(["b becomes nullable"], Of([F("a"), F("b", mode: "REQUIRED")], [F("a")], SchemaEvolution.Relax).Changes);
    }

    [Fact]
    public void Required_columns_become_nullable_only_when_asked()
    {
        Assert.Contains("SchemaEvolution=relax", Assert.Single(Of([F("a", mode: "REQUIRED")], [F("a")], SchemaEvolution.Add).Problems), StringComparison.Ordinal);
        Assert.Equal("NULLABLE", Assert.Single(Of([F("a", mode: "REQUIRED")], [F("a")], SchemaEvolution.Relax).Schema.Fields).Mode);
    }

    [Fact]
    public void Types_do_not_change()
    {
        foreach (var policy in Enum.GetValues<SchemaEvolution>())
        {
            Assert.Contains("type STRING; the rows have it of type INTEGER", Assert.Single(Of([F("a", "STRING")], [F("a")], policy).Problems), StringComparison.Ordinal);
            Assert.Single(Of([F("a", mode: "REPEATED")], [F("a")], policy).Problems);
            Assert.Single(Of([F("a", "NUMERIC", precision: 10, scale: 2)], [F("a", "NUMERIC", precision: 12, scale: 2)], policy).Problems);
            Assert.Single(Of([F("a", "NUMERIC", precision: 10, scale: 2)], [F("a", "NUMERIC", precision: 10, scale: 3)], policy).Problems);
            Assert.Empty(Of([F("a", "NUMERIC")], [F("a", "NUMERIC", precision: 12, scale: 2)], policy).Problems);
            Assert.Empty(Of([F("a", "NUMERIC", precision: 20, scale: 4)], [F("a", "NUMERIC", precision: 12, scale: 2)], policy).Problems);
        }
    }

    [Fact]
    public void A_patch_is_the_whole_schema()
    {
        var patch = Of([F("a", "NUMERIC", precision: 10, scale: 2)], [F("a", "NUMERIC", precision: 10, scale: 2), F("b")], SchemaEvolution.Add).ToPatch();
        Assert.Equal("""{"schema":{"fields":[{"name":"a","type":"NUMERIC","mode":"NULLABLE","precision":"10","scale":"2"},{"name":"b","type":"INTEGER","mode":"NULLABLE"}]}}""", patch.ToJsonString());
    }
}
