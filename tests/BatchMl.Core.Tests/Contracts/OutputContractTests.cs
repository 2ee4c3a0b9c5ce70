using BatchMl.Contracts;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Core.Tests.Contracts;

public sealed class OutputContractTests : IDisposable
{
    static readonly OutputContract contract = new(1, "churn/score", 2, "day", ["customer", "as_of"],
    [
        new("customer", "int64", false), new("amount", "double", true), new("score", "double", false), new("as_of", "timestamp[us, UTC]", false),
    ]);

    static readonly DatasetJob job = new NamedJob("churn/score");

    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    static OutputContract With(params ContractColumn[] columns) => contract with { Columns = [.. contract.Columns.Where(c => columns.All(o => o.Name != c.Name)), .. columns] };

    [Fact]
    public void Each_change_that_readers_would_meet_is_named()
    {
        var now = new OutputContract(1, "churn/score", 3, "week", ["customer"], [new("customer", "utf8", true), new("amount", "double", false), new("score", "double", false), new("extra", "int64", true)]);
        var changes = contract.To(now);
        Assert.Equal(
        [
            "the semantics version was 2 and is 3: the same columns mean something else", "it was partitioned by day and is by week", "its keys were customer, as_of and are customer",
            "column customer was int64 and is utf8", "column customer was never null and may be now", "column as_of (timestamp[us, UTC]) is gone, or has another name",
        ], changes.Breaking);
        Assert.Equal(["column amount is never null any more", "column extra (int64) is new"], changes.Compatible);
    }

    [Fact]
    public void The_order_of_columns_and_keys_is_not_part_of_it()
    {
        var changes = contract.To(contract with { Keys = ["as_of", "customer"], Columns = [.. contract.Columns.Reverse()] });
        Assert.Empty(changes.Breaking.Concat(changes.Compatible));
    }

    [Fact]
    public void For_random_changes_what_is_gone_retyped_or_nullable_breaks_it_and_what_is_new_does_not()
    {
        var random = new Random(3);
        for (var round = 0; round < 200; round++)
        {
            var (broken, columns) = (0, new List<ContractColumn>());
            foreach (var column in contract.Columns)
            {
                var what = random.Next(5);
                if (what == 0) broken++;
                else if (what == 1) (broken, _) = (broken + 1, Add(column with { Type = "float" }));
                else if (what == 2 && !column.Nullable) (broken, _) = (broken + 1, Add(column with { Nullable = true }));
                else Add(column);

                bool Add(ContractColumn c)
                {
                    columns.Add(c);
                    return true;
                }
            }
            var added = random.Next(3);
            for (var i = 0; i < added; i++) columns.Insert(random.Next(columns.Count + 1), new($"new{i}", "bool", true));
            var changes = contract.To(contract with { Columns = columns });
            Assert.Equal((broken, added), (changes.Breaking.Count, changes.Compatible.Count));
        }
    }

    [Fact]
    public void What_is_written_is_read_and_ends_with_a_line_break()
    {
        Assert.Null(OutputContract.Read(folder.Path, job));
        var path = contract.Write(folder.Path, job);
        Assert.Equal(folder.At("churn", "score.json"), path);
        var text = File.ReadAllText(path);
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', text);
        var read = OutputContract.Read(folder.Path, job)!;
        Assert.Equal(contract.Columns, read.Columns);
        Assert.Equal(read.ToJson(), contract.ToJson());
        With(new ContractColumn("amount", "int64", true)).Write(folder.Path, job);
        Assert.Equal(["column amount was int64 and is double"], OutputContract.Read(folder.Path, job)!.To(contract).Breaking);
    }

    [Theory]
    [InlineData("", "does not contain any JSON")]
    [InlineData("null", "it is null")]
    [InlineData("[]", "could not be converted")]
    [InlineData("""{ "formatVersion": 1 }""", "missing required properties")]
    [InlineData("""{ "formatVersion": 2, "dataset": "churn/score", "semanticsVersion": 1, "partitionColumn": "d", "keys": [], "columns": [] }""", "formatVersion is 2; expected 1")]
    [InlineData("""{ "formatVersion": 1, "dataset": "other", "semanticsVersion": 1, "partitionColumn": "d", "keys": [], "columns": [] }""", "its dataset is 'other'")]
    [InlineData("""{ "formatVersion": 1, "dataset": "churn/score", "semanticVersion": 1, "partitionColumn": "d", "keys": [], "columns": [] }""", "semanticVersion")]
    [InlineData("""{ "formatVersion": 1, "dataset": "churn/score", "semanticsVersion": 1, "partitionColumn": "d", "keys": [], "columns": null }""", "columns")]
    [InlineData("""{ "formatVersion": 1, "dataset": "churn/score", "semanticsVersion": 1, "partitionColumn": "d", "keys": [], "columns": [{ "name": "a", "type": "t", "nullable": true }, { "name": "a", "type": "t", "nullable": true }] }""", "the column 'a' 2 times")]
    public void A_file_that_is_none_is_an_error_that_says_why_and_what_to_do(string text, string why)
    {
        Directory.CreateDirectory(folder.At("churn"));
        File.WriteAllText(folder.At("churn", "score.json"), text);
        var e = Assert.Throws<DefinitionException>(() => OutputContract.Read(folder.Path, job));
        Assert.Contains(why, e.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(folder.At("churn", "score.json"), e.Message, StringComparison.Ordinal);
        Assert.Contains("'contract churn/score --accept'", e.Message, StringComparison.Ordinal);
    }

    sealed class NamedJob(string name) : DatasetJob(name, "")
    {
        public override Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel) => throw new NotSupportedException();
    }
}
