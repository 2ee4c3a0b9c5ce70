using BatchMl.Data;
using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Kernel;

public sealed class LargerTableTests
{
    // What decides how sums are kept: whole numbers, money, numbers of very different size, and some that are not finite.
    public static TheoryData<string> Numbers => ["whole", "cents", "wide", "infinite"];

    static double Number(string kind, Random random) => kind switch
    {
        "whole" => random.Next(-1000, 1000),
        "cents" => Math.Round((random.NextDouble() - 0.5) * 1000, 2),
        "wide" => Math.ScaleB(random.NextDouble() - 0.5, random.Next(-200, 200)),
        _ => random.Next(300) == 0 ? double.PositiveInfinity : random.Next(300) == 0 ? double.NaN : random.NextDouble(),
    };

    [Theory, MemberData(nameof(Numbers))]
    public void A_key_with_many_rows_equals_the_oracle(string kind)
    {
        var (events, spine, query) = LargerTables.Make(seed: 7, rows: 3_000, spineRows: 25, keys: 2, random => Number(kind, random));
        Assert.Null(Judge.Difference(NestedLoopOracle.Compute(events, spine, query), AsOfKernel.Compute(events, spine, query)));
    }

    [Fact]
    public void The_number_of_threads_does_not_change_a_bit()
    {
        var (events, spine, query) = LargerTables.Make(seed: 8, rows: 40_000, spineRows: 30_000, keys: 200, random => Number("cents", random));
        Assert.Null(Judge.Difference(AsOfKernel.Compute(events, spine, query), AsOfKernel.Compute(events, spine, query with { MaxThreads = 4 })));
    }

    [Fact]
    public void The_error_of_the_first_key_is_thrown_whatever_the_number_of_threads()
    {
        var (events, spine, query) = LargerTables.Make(seed: 9, rows: 40_000, spineRows: 30_000, keys: 200, random => Number("whole", random));
        var tied = events with { TieBreak = [] };
        var alone = Assert.Throws<DataException>(() => AsOfKernel.Compute(tied, spine, query));
        var together = Assert.Throws<DataException>(() => AsOfKernel.Compute(tied, spine, query with { MaxThreads = 4 }));
        Assert.Contains("equal in value order", alone.Message, StringComparison.Ordinal);
        Assert.Equal(alone.Message, together.Message);
    }

    [Fact]
    public void Many_keys_of_several_types_keep_their_rows_apart()
    {
        // Enough different keys that the tables of codes grow several times.
        var random = new Random(3);
        var keys = Enumerable.Range(0, 20_000).Select(i => (Text: new string((char)('a' + i % 26), i % 40), Number: (long)(i / 13), Real: i % 2 == 0 ? -0.0 : double.NaN)).Distinct().ToArray();
        random.Shuffle(keys);
        IReadOnlyList<Apache.Arrow.IArrowArray> Columns((string Text, long Number, double Real)[] rows, double zero) =>
        [
            Cells.Build(ColumnType.String, [.. rows.Select(k => (object)k.Text)]), Cells.Build(ColumnType.Int64, [.. rows.Select(k => (object)k.Number)]),
            Cells.Build(ColumnType.Double, [.. rows.Select(k => (object)(k.Real == 0 ? zero : k.Real))]),
        ];
        var events = new EventTable { Rows = keys.Length, Keys = Columns(keys, -0.0), Values = [Cells.Build(ColumnType.Int64, [.. Enumerable.Range(0, keys.Length).Select(i => (object)(long)i)])] };
        var order = Enumerable.Range(0, keys.Length).ToArray();
        random.Shuffle(order);
        var spine = new SpineTable(Columns([.. order.Select(i => keys[i])], 0.0), Cells.Timestamps([.. order.Select(_ => (object?)0L)]));
        var latest = AsOfKernel.Compute(events, spine, new AsOfQuery { Latest = [new(0, NonNull: false)] })[0];
        Assert.Equal(order.Select(i => (object?)(long)i), order.Select((_, i) => Cells.At(latest, i)));
    }
}
