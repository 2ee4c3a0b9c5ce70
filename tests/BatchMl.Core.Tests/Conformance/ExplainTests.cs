using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Conformance;

public sealed class ExplainTests
{
    [Fact]
    public void An_explanation_names_the_rows_that_made_the_result()
    {
        var accepted = 0;
        for (var number = 0; number < 3_000; number++)
        {
            var input = new RandomCases(77_000_000 + number).Next();
            input = input with { Query = input.Query with { Windows = [.. input.Query.Windows.Select(w => w with { Aggregates = [new AggregateSpec(AggregateKind.Count, -1)] })] } };
            if (input.Outcome(AsOfKernel.Compute) is not { } result)
                continue;
            for (var row = 0; row < input.Spine.AsOf.Length; row++)
                Check(input, [.. result.Select(c => Cells.At(c, row))], AsOfKernel.Explain(input.Events, input.Spine, row, input.Query), row, number);
            accepted++;
        }
        Assert.True(accepted > 1_500, "Too few cases were accepted.");
    }

    [Fact]
    public void An_explanation_says_why_a_row_does_not_count()
    {
        Assert.Equal([RowFate.Counted, RowFate.NeverKnown], Fates("a row that arrives late is unknown until it arrives", spineRow: 2, andOneNeverKnown: true));
        Assert.Equal([RowFate.Superseded, RowFate.Counted], Fates("a correction replaces its predecessor from when it is known", spineRow: 2));
        Assert.Equal([RowFate.Deleted, RowFate.Counted, RowFate.Deleted], Fates("a deleted fact is gone from latest values and windows", spineRow: 1));
        Assert.Equal([RowFate.Closed, RowFate.Counted], Fates("after a late closing the successor is the latest", spineRow: 3));
        Assert.Equal([RowFate.TooOld], Fates("ttl is measured from the event time, not from when the row became known", spineRow: 1));
        Assert.Equal([RowFate.Late], Fates("a row that arrives late is unknown until it arrives", spineRow: 0));
    }

    static RowFate[] Fates(string vector, int spineRow, bool andOneNeverKnown = false)
    {
        var v = ConformanceVector.Named(vector);
        var events = v.Events;
        if (andOneNeverKnown)
            events = EventRow.Table([.. EventRow.Of(events), EventRow.Of(events)[0] with { AvailableAt = null }], events);
        return [.. AsOfKernel.Explain(events, v.Spine, spineRow, v.Query).Select(r => r.Fate)];
    }

    static void Check(AsOfCase input, object?[] result, IReadOnlyList<ExplainedRow> explained, int row, int number)
    {
        var where = $"case {number}, spine row {row}\n{input}";
        for (var l = 0; l < input.Query.Latest.Count; l++)
        {
            var gave = explained.Where(e => e.Latest.Contains(l)).ToList();
            Assert.True(gave.Count <= 1, where);
            var value = gave.Count == 0 ? null : Cells.At(input.Events.Values[input.Query.Latest[l].Value], gave[0].Row);
            Assert.True(Cells.Identical(result[l], value), where);
        }
        for (var w = 0; w < input.Query.Windows.Count; w++)
            Assert.True(Equals(result[input.Query.Latest.Count + w], (long)explained.Count(e => e.Windows.Contains(w))), where);
        Assert.True(explained.All(e => e.Fate == RowFate.Counted == (e.Latest.Count + e.Windows.Count > 0)), where);
    }
}
