using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Runs;
using BatchMl.Testing.Internals;

namespace BatchMl.Testing;

/// <summary>
/// A test of features and labels: rows are given to sources, a row is asked for, its columns are expected to have values. The engine that jobs have computes them. Immutable: each call returns a new one. Expectations are checked where
/// they stand, so none can be forgotten.
/// <code>
/// FeatureTest.Of(Churn.Features)
///     .Given(new Order { CustomerId = 7, At = …, LoadedAt = …, Amount = 12.5 }, …)
///     .At("1997-03-03T02:00:00Z", key: 7L).Expect("orders_30d", 2).Expect("amount_90d", null)
///     .At("1997-04-07T02:00:00Z", key: 7L).Expect("orders_30d", 0);
/// </code>
/// </summary>
public sealed class FeatureTest
{
    readonly Question question;
    readonly Given given;

    FeatureTest(Question question, Given given) => (this.question, this.given) = (question, given);

    /// <summary>A test of a service's features, and of a label in the future if one is given.</summary>
    public static FeatureTest Of(FeatureService service, FutureLabel? label = null) => Of(Question.Of(service, label, service.Name));

    /// <summary>A test of the features of views.</summary>
    public static FeatureTest Of(params JoinedView[] views) => Of(Question.Of(FeatureService.Of("features", 1, views), null, "the features"));

    /// <summary>A test of a view's features.</summary>
    public static FeatureTest Of(FeatureView view) => Of((JoinedView)view);

    /// <summary>A test of a label in the future.</summary>
    public static FeatureTest Of(FutureLabel label) => Of(Question.Of(null, label, $"label '{label.Name}'"));

    /// <summary>A test of spine, features and label of a question.</summary>
    public static FeatureTest Of(FeatureQuery query) => Of(Question.Of(query, query.Service?.Name ?? "the query"));

    /// <summary>A test of what a job asks: that of a training set or of scores.</summary>
    /// <exception cref="TestFailedException">The job asks no question of its own.</exception>
    public static FeatureTest Of(DatasetJob job) => job.Queries is [var query, ..] ? Of(Question.Of(query, job.Name))
        : throw new TestFailedException($"Job '{job.Name}' asks for no features; give a training set's or a scoring job, or a feature service.");

    static FeatureTest Of(Question question) => new(question, new Given(question.Sources));

    /// <summary>Gives rows to the source of this record type; what was given before stays. Sources that are given nothing are empty.</summary>
    /// <exception cref="TestFailedException">There is no such source, or there are several.</exception>
    public FeatureTest Given<T>(params IReadOnlyList<T> rows) where T : notnull => new(question, given.With(given.NameOf(typeof(T)), rows.Cast<object>()));

    /// <summary>Gives rows to a source.</summary>
    /// <exception cref="TestFailedException">The source is not read.</exception>
    public FeatureTest Given<T>(Source<T> source, params IReadOnlyList<T> rows) where T : notnull => new(question, given.With(source.Name, rows.Cast<object>()));

    /// <summary>
    /// Says what the rows given to a source looked like earlier, for the check for leaks: given a row as it is now and an instant, the row as its table had it then, or null if it was not there yet. Without this a row is taken to have come
    /// when its <c>AvailableAt</c> says, else when its event time says, and not to have changed since; a look-up to have been there always.
    /// </summary>
    public FeatureTest Learned<T>(Func<T, DateTimeOffset, T?> asItWas) where T : class =>
        new(question, given.With(given.NameOf(typeof(T)), (row, at) => asItWas((T)row, at)));

    /// <summary>Asks as of an instant in ISO 8601, UTC where it says no zone.</summary>
    /// <param name="asOf">E.g. <c>1997-03-03T02:00:00Z</c>.</param>
    /// <param name="key">The key's value; where it has several columns an object with a property for each: <c>new { Carrier = "UA", Flight = 1545 }</c>. So are the spine's columns that derived features read.</param>
    /// <exception cref="TestFailedException">The key is not that of the features.</exception>
    public AskedRow At(string asOf, object? key = null) => At(Instants.Parse(asOf), key);

    /// <summary>Asks as of an instant.</summary>
    /// <inheritdoc cref="At(string, object?)"/>
    public AskedRow At(DateTimeOffset asOf, object? key = null)
    {
        var single = question.Keys.Count == 1 ? question.Keys[0].Name : null;
        var values = KeyValues.Of(key, question.Keys, single);
        var missing = question.Keys.Where(k => !values.ContainsKey(k.Name) && k.Name != FeatureQuery.AsOf).ToArray();
        if (missing.Length > 0) throw new TestFailedException($"The key of {question.Name} is made of {string.Join(", ", question.Keys.Select(k => $"{k.Name} ({k.Type})"))}; the test does not give {string.Join(", ", missing.Select(m => m.Name))}.");
        object?[] row = [.. question.Keys.Select(k => k.Name == FeatureQuery.AsOf ? asOf.ToUnixMicroseconds() : values[k.Name]), asOf.ToUnixMicroseconds()];
        var tables = given.Tables();
        return new AskedRow(this, question.Ask([row], tables), 0, Where(asOf, values, question.Keys), column => Why.Of(question, tables, row, asOf, column), () => Leaks.Check(question, given, [row]));
    }

    /// <summary>Looks for a row of the spine itself: its conditions, its calendar and a label that is one of its columns are tested too.</summary>
    /// <param name="asOf">The row's instant, ISO 8601, UTC where it says no zone.</param>
    /// <param name="key">The value of the spine's key; where it has several columns, or others are to be told apart by, an object with a property for each.</param>
    /// <exception cref="TestFailedException">There is no such row, or there are several; names the nearest.</exception>
    public AskedRow Row(string asOf, object? key = null)
    {
        var (at, answer, values, found) = Find(asOf, key);
        var where = Where(at, values, SpineColumns);
        return found.Count == 1 ? new AskedRow(this, answer, found[0], where, null, null)
            : throw new TestFailedException($"The spine of {question.Name} has {(found.Count == 0 ? "no row" : $"{found.Count} rows")} {where}; expected one.{(found.Count > 1 ? " Give more of its columns." : "")} {Near(answer)}");
    }

    /// <summary>Expects that the spine has no such row.</summary>
    /// <inheritdoc cref="Row"/>
    /// <exception cref="TestFailedException">There is one.</exception>
    public FeatureTest ExpectNoRow(string asOf, object? key = null)
    {
        var (at, answer, values, found) = Find(asOf, key);
        return found.Count == 0 ? this : throw new TestFailedException($"The spine of {question.Name} has {found.Count} rows {Where(at, values, SpineColumns)}; expected none. {Near(answer)}");
    }

    /// <summary>
    /// The check for leaks, for keys and instants drawn from the given rows: features as of T, computed from the rows as they are now, have to be those computed from what the tables had at T (see <see cref="Learned"/>). Finds definitions that bend the leak
    /// law: <c>AsOfEventTime</c>, an <c>AvailableAt</c> that is too early, look-ups that change, columns that are written later. It sees what the given rows show: give late, corrected and closed ones.
    /// </summary>
    /// <param name="rows">How many are asked.</param>
    /// <param name="seed">Which ones.</param>
    /// <exception cref="TestFailedException">Names the first row and column that differ and the fact that made the difference.</exception>
    public FeatureTest ExpectNoLeaks(int rows = 200, int seed = 1)
    {
        Leaks.Check(question, given, SampledRows.Of(question, given, rows, new Random(seed)));
        return this;
    }

    IReadOnlyList<SourceColumn> SpineColumns => question.Spine is { } spine ? [.. spine.Columns.Where(c => c.Role is ColumnRole.Spine or ColumnRole.Partition).Select(c => new SourceColumn(c.Name, c.Type, true))]
        : throw new TestFailedException($"{question.Name} has no spine; make the test of a job, or of a FeatureQuery, or ask for a key with At.");

    (DateTimeOffset At, Answer Answer, Dictionary<string, object?> Key, IReadOnlyList<int> Found) Find(string asOf, object? key)
    {
        var (columns, at) = (SpineColumns, Instants.Parse(asOf));
        var keys = question.Spine!.Spine.KeyColumns;
        var values = key is null ? [] : KeyValues.Of(key, columns, keys.Count == 1 ? keys[0] : null);
        var answer = question.AskSpine(at, given.Tables());
        var found = Enumerable.Range(0, answer.Rows.Count).Where(i => Equals(answer.Rows[i][FeatureQuery.AsOf], at.ToUnixMicroseconds()) && values.All(v => Cell.AreEqual(answer.Rows[i][v.Key], v.Value)));
        return (at, answer, values, [.. found]);
    }

    static string Where(DateTimeOffset at, IReadOnlyDictionary<string, object?> key, IReadOnlyList<SourceColumn> columns) =>
        $"as of {Instants.Text(at.ToUnixMicroseconds())}{(key.Count > 0 ? $" of {KeyValues.Text(key, columns)}" : "")}";

    string Near(Answer answer)
    {
        const int Named = 5;
        if (answer.Rows.Count == 0) return $"It has no row near that time; {string.Join(", ", given.Tables().Select(t => $"{t.Key} has {t.Value.Rows.Length} rows"))}.";
        var shown = answer.Rows.Take(Named).Select(r => $"({string.Join(", ", SpineColumns.Select(c => $"{c.Name}={Cell.Text(r[c.Name], c.Type)}"))}, as_of={Instants.Text((long)r[FeatureQuery.AsOf]!)})");
        return $"Near that time it has {string.Join(", ", shown)}{(answer.Rows.Count > Named ? $" and {answer.Rows.Count - Named} more" : "")}.";
    }
}
