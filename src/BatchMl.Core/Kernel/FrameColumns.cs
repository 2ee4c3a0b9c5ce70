using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>The value columns that one thread's aggregates read, one of each form.</summary>
/// <param name="events">The events.</param>
/// <param name="textCodes">For values that are text, as <see cref="RankColumn.TextCodes"/> has them; shared by threads.</param>
sealed class FrameColumns(EventTable events, IReadOnlyDictionary<int, int[]> textCodes)
{
    readonly Dictionary<int, FlagColumn> flags = [];
    readonly Dictionary<int, NumberColumn> numbers = [];
    readonly Dictionary<int, RankColumn> ranks = [];

    public FlagColumn Flags(int value) => Get(flags, value, () => new FlagColumn((BooleanArray)events.Values[value]));

    public NumberColumn Numbers(int value) => Get(numbers, value, () => new NumberColumn(events.Values[value]));

    public RankColumn Ranks(int value) => Get(ranks, value, () => new RankColumn(events.Values[value], textCodes.GetValueOrDefault(value)));

    static T Get<T>(Dictionary<int, T> columns, int value, Func<T> make)
    {
        if (!columns.TryGetValue(value, out var column)) columns[value] = column = make();
        return column;
    }
}
