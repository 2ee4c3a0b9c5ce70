using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Hosting;
using BatchMl.Testing.Internals;

namespace BatchMl.Testing;

/// <summary>A row that a test asked for, computed. Each expectation is checked at once.</summary>
public sealed class AskedRow
{
    readonly FeatureTest test;
    readonly Answer answer;
    readonly int row;
    readonly string where;
    readonly Func<string, string>? why;
    readonly Action? checkLeaks;

    internal AskedRow(FeatureTest test, Answer answer, int row, string where, Func<string, string>? why, Action? checkLeaks) =>
        (this.test, this.answer, this.row, this.where, this.why, this.checkLeaks) = (test, answer, row, where, why, checkLeaks);

    /// <summary>Expects a value, exactly.</summary>
    /// <param name="column">A feature, hidden ones among them, or another column.</param>
    /// <param name="value">null, or a value of the column's type; an integer for a floating column; text in ISO 8601 for instants and dates.</param>
    /// <exception cref="TestFailedException">The row has another, with the rows that it was made of; or there is no such column.</exception>
    public AskedRow Expect(string column, object? value) => Expect(column, value, 0);

    /// <summary>Expects a number that is not further away than a tolerance.</summary>
    /// <inheritdoc cref="Expect(string, object?)"/>
    public AskedRow Expect(string column, object? value, double tolerance)
    {
        if (!(tolerance >= 0)) throw new TestFailedException($"The tolerance of '{column}' is {tolerance}; expected 0 or more.");
        var known = answer.Query.Columns.FirstOrDefault(c => c.Name == column)
            ?? throw new TestFailedException($"There is no column '{column}'. Did you mean '{Nearest.To(column, answer.Query.Columns.Select(c => c.Name))}'? Columns are: {string.Join(", ", answer.Query.Columns.Select(c => c.Name).Where(c => !c.StartsWith('$')))}.");
        var expected = Cell.Of(value, known.Type, column);
        if (answer.Errors.TryGetValue((row, column), out var error)) throw new TestFailedException($"'{column}' {where}: expected {Cell.Text(expected, known.Type)}, but it can not be computed: {error}");
        var got = answer.Rows[row][column];
        if (Cell.AreEqual(got, expected, tolerance)) return this;
        throw new TestFailedException($"'{column}' {where}: expected {Cell.Text(expected, known.Type)}{(tolerance > 0 ? $" to within {Cell.Text(tolerance, ColumnType.Double)}" : "")}, got {Cell.Text(got, known.Type)}.{Because(known)}");
    }

    /// <summary>Expects the label's value, mature or not.</summary>
    /// <exception cref="TestFailedException">It is another, or there is no label.</exception>
    public AskedRow ExpectLabel(object? value) => Expect(Label, value);

    /// <summary>Expects that the label can be known at an instant.</summary>
    /// <exception cref="TestFailedException">It can not; or there is no label.</exception>
    public AskedRow ExpectMature(string at) => Matures(Instants.Parse(at), true);

    /// <summary>Expects that the label can not be known yet at an instant, so that a training set made then leaves it out.</summary>
    /// <exception cref="TestFailedException">It can; or there is no label.</exception>
    public AskedRow ExpectNotMature(string at) => Matures(Instants.Parse(at), false);

    /// <summary>Expects that nothing that became known after the row's instant is in its features, see <see cref="FeatureTest.ExpectNoLeaks"/>.</summary>
    /// <exception cref="TestFailedException">Names the column that differs and the fact that made the difference.</exception>
    public AskedRow ExpectNoLeak()
    {
        if (checkLeaks is null) throw new TestFailedException("The check for leaks is for rows that are asked for with At.");
        checkLeaks();
        return this;
    }

    /// <inheritdoc cref="FeatureTest.At(string, object?)"/>
    public AskedRow At(string asOf, object? key = null) => test.At(asOf, key);

    /// <inheritdoc cref="FeatureTest.At(DateTimeOffset, object?)"/>
    public AskedRow At(DateTimeOffset asOf, object? key = null) => test.At(asOf, key);

    /// <inheritdoc cref="FeatureTest.Row"/>
    public AskedRow Row(string asOf, object? key = null) => test.Row(asOf, key);

    /// <inheritdoc cref="FeatureTest.ExpectNoRow"/>
    public FeatureTest ExpectNoRow(string asOf, object? key = null) => test.ExpectNoRow(asOf, key);

    string Label => answer.Query.Label?.Name ?? throw new TestFailedException(
        "There is no label here. Give one beside the service; one that is a column of the spine is asked for with Row.");

    AskedRow Matures(DateTimeOffset at, bool expected)
    {
        var label = Label;
        var known = (long?)answer.Rows[row][FeatureQuery.LabelKnownAt];
        if (known <= at.ToUnixMicroseconds() == expected) return this;
        throw new TestFailedException(
            $"The label '{label}' {where} {(known is { } k ? $"can be known at {Instants.Text(k)}" : "can never be known")}; expected that it {(expected ? "is mature" : "is not mature yet")} at {Instants.Text(at.ToUnixMicroseconds())}.");
    }

    string Because(QueryColumn column) => why is null || column.Role is not (ColumnRole.Feature or ColumnRole.Derived) ? "" : Environment.NewLine + why(column.Name);
}
