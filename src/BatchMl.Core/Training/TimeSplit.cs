namespace BatchMl.Training;

/// <summary>
/// Splits rows by when their labels are known, not by when they happened, so that nothing is trained on or chosen by what was not known at a boundary.
/// A row is <c>train</c> if its label is known before <see cref="TrainUntil"/>; <c>validation</c> if it is asked for at or after that plus the embargo and its label is known before
/// <see cref="ValidateUntil"/>; <c>test</c> likewise before <see cref="TestUntil"/>. Rows that straddle a boundary or lie in an embargo are purged. (López de Prado, Advances in
/// Financial Machine Learning, 2018, chapter 7.)
/// </summary>
/// <param name="TrainUntil">End of training, exclusive: local midnight.</param>
/// <param name="ValidateUntil">End of validation, exclusive.</param>
/// <param name="TestUntil">End of test, exclusive.</param>
/// <param name="Zone">IANA zone of the midnights.</param>
public sealed record TimeSplit(DateOnly TrainUntil, DateOnly ValidateUntil, DateOnly TestUntil, string Zone)
{
    /// <summary>The values of the split column, in order.</summary>
    public static readonly IReadOnlyList<string> Names = ["train", "validation", "test"];

    /// <summary>Rows of earlier partitions are not read; null: from the first.</summary>
    public DateOnly? From { get; init; }

    /// <summary>How long after a boundary no row is taken. Default 0.</summary>
    public TimeSpan Embargo { get; init; }

    /// <summary>The same split, moved as a whole so that its test rows end at a date.</summary>
    /// <exception cref="DefinitionException">A boundary would be before the year 1.</exception>
    public TimeSplit EndingAt(DateOnly until)
    {
        var days = until.DayNumber - TestUntil.DayNumber;
        if ((From ?? TrainUntil).DayNumber + days < 0) throw new DefinitionException($"The split can not end at {until:yyyy-MM-dd}: it began before the year 1 then ({this}).");
        return this with { TrainUntil = TrainUntil.AddDays(days), ValidateUntil = ValidateUntil.AddDays(days), TestUntil = until, From = From?.AddDays(days) };
    }

    /// <summary>When it is over: the midnight after which no row is of any part.</summary>
    public DateTimeOffset End => Engine.ArrowColumns.FromUnixMicroseconds(Midnight(TestUntil));

    /// <summary>
    /// The rule with its boundaries worked out: as_of and the time the label is known (microseconds) give an index into <see cref="Names"/>, or -1 for a purged row.
    /// </summary>
    public Func<long, long, int> Rule()
    {
        var (train, validation, test) = (Midnight(TrainUntil), Midnight(ValidateUntil), Midnight(TestUntil));
        var embargo = (long)Embargo.TotalMicroseconds;
        return (asOf, knownAt) =>
            knownAt < train ? 0
            : asOf >= train + embargo && knownAt < validation ? 1
            : asOf >= validation + embargo && knownAt < test ? 2
            : -1;
    }

    /// <summary>As <c>plan</c> and recipes write it.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"labels known before {TrainUntil:yyyy-MM-dd} train, before {ValidateUntil:yyyy-MM-dd} validate, before {TestUntil:yyyy-MM-dd} test ({Zone}), embargo {Embargo.TotalHours}h");

    /// <summary>Checks the order of the boundaries.</summary>
    /// <exception cref="DefinitionException">They do not ascend, or the embargo is negative.</exception>
    public void Check()
    {
        if (!(TrainUntil < ValidateUntil && ValidateUntil < TestUntil) || From >= TrainUntil || Embargo < TimeSpan.Zero)
        {
            throw new DefinitionException($"The split does not ascend: {this}{(From is { } f ? $", from {f:O}" : "")}. Expected from < train < validation < test and an embargo of at least 0.");
        }
    }

    long Midnight(DateOnly date) => (long)Expressions.Interpreter.Evaluate(
        new Expressions.CallExpr(Expressions.Function.StartOfDay,
            [new Expressions.ConstantExpr(Engine.FragmentPruning.Days(date), Data.ColumnType.Date), new Expressions.ConstantExpr(Zone, Data.ColumnType.String)],
            Data.ColumnType.Timestamp), _ => null)!;
}
