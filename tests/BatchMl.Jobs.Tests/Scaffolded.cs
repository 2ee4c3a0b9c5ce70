namespace BatchMl.Jobs.Tests;

// scaffold:
/// <summary>A row of some-rows.parquet; a property is nullable where the column has nulls.</summary>
// Left out, since no property can have their type: list (list<int32>), price (decimal(9, 2)).
public sealed record SomeRowsRow(
    DateTimeOffset At,
    DateOnly? Day,
    long DepDelay,
    [property: Column("dep-delay")] long? DepDelay2,
    double? WindGust,
    string Class,
    [property: Column("clone")] string? Clone2,
    [property: Column("2nd \"name\"")] bool _2ndName,
    [property: Column("ÉTÉ")] long? ÉTÉ);

/// <summary>Where rows of SomeRowsRow come from.</summary>
public static class SomeRowsSource
{
    /// <summary>Bound to its place by the setting Sources:some-rows.</summary>
    public static readonly Source<SomeRowsRow> SomeRows = Source.Bind<SomeRowsRow>("some-rows");
}
