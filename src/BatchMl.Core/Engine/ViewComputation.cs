using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;
using BatchMl.Kernel;

namespace BatchMl.Engine;

/// <summary>
/// One view (or one label in the future) as the kernel computes it: the event columns, the kernel's query, and how features come out of its answer.
/// </summary>
sealed class ViewComputation
{
    readonly List<LatestSpec> latest = [];
    readonly List<(WindowSpec Window, List<AggregateSpec> Aggregates)> windows = [];
    readonly List<Output> outputs = [];
    readonly long? ttl;

    // Latest: index of a latest column. Otherwise the window, its aggregate of each $i, and the expression over them.
    sealed record Output(string Name, int Latest, int Window, IReadOnlyList<int> Aggregates, Expr? Result);

    public ViewComputation(BoundSource source, IEnumerable<KeyColumn> keys, IReadOnlyList<string> spineKeys, long? ttl)
    {
        (Bound, SpineKeys, this.ttl) = (source, spineKeys, ttl);
        Events = new EventColumns(source.Source, keys);
    }

    public BoundSource Bound { get; }
    public EventColumns Events { get; }

    /// <summary>Query columns that hold the key.</summary>
    public IReadOnlyList<string> SpineKeys { get; }

    /// <summary>How far before as_of it looks; null: without bound.</summary>
    public long? LookBack { get; init; }

    /// <summary>A fixed time after as_of at which it is asked: 0 for features, horizon and lateness for a label in the future.</summary>
    public long AskedAfter { get; init; }

    /// <summary>Latest values only, of plain rows: old rows can be reduced to the greatest per key.</summary>
    public bool CanCarry => LookBack is null && windows.Count == 0 && Bound.Source is { FactExprs: null, Validity: null, EventTimeExpr: not null };

    /// <summary>What an earlier unit read, where <see cref="CanCarry"/>.</summary>
    public CarriedEvents Carried { get; } = new();

    public bool EffectiveAxis => windows.Any(w => w.Window.Axis == WindowAxis.EffectiveAt);

    public static ViewComputation Of(ResolvedView resolved, BoundSource source)
    {
        var view = resolved.View;
        var computation = new ViewComputation(source, view.Keys, resolved.KeyColumns, view.TtlMicroseconds) { LookBack = FragmentPruning.LookBack(view) };
        foreach (var (feature, name) in view.Features.Zip(resolved.FeatureNames))
        {
            if (feature is LatestFeature l) computation.AddLatest(name, l.Value, l.NonNull);
            else if (feature is WindowFeature w) computation.AddWindow(name, w.Window, w.Aggregates, w.Result);
        }
        return computation;
    }

    /// <summary>A label in the future: the window <c>(as_of, as_of + horizon]</c>, asked when facts have had their time to become known.</summary>
    public static ViewComputation Of(FutureLabel label, BoundSource source)
    {
        var after = FragmentPruning.Add(label.Horizon, label.Lateness);
        var computation = new ViewComputation(source, label.Keys, [.. label.Keys.Select(k => k.Name)], null)
        {
            AskedAfter = after,
            LookBack = label.Source.FactExprs is null ? after : null,
        };
        computation.AddWindow(label.Name, new WindowSpec(label.Horizon, label.Lateness), label.Aggregates, label.Result);
        return computation;
    }

    void AddLatest(string name, Expr value, bool nonNull)
    {
        outputs.Add(new Output(name, latest.Count, -1, [], null));
        latest.Add(new LatestSpec(Events.Value(value), nonNull));
    }

    void AddWindow(string name, WindowSpec window, IEnumerable<Aggregate> aggregates, Expr result)
    {
        var index = windows.FindIndex(w => w.Window == window);
        if (index < 0)
        {
            index = windows.Count;
            windows.Add((window, []));
        }
        var inputs = new List<int>();
        foreach (var aggregate in aggregates)
        {
            var spec = new AggregateSpec(aggregate.Kind, aggregate.Value is null ? -1 : Events.Value(aggregate.Value), aggregate.Parameter);
            var known = windows[index].Aggregates.IndexOf(spec);
            if (known < 0)
            {
                known = windows[index].Aggregates.Count;
                windows[index].Aggregates.Add(spec);
            }
            inputs.Add(known);
        }
        outputs.Add(new Output(name, -1, index, inputs, result));
    }

    /// <summary>The kernel's query.</summary>
    public AsOfQuery Query(int threads) => new()
    {
        Latest = latest,
        Ttl = ttl,
        Windows = [.. windows.Select(w => new WindowAggregates(w.Window, w.Aggregates))],
        TiesAllowed = Bound.Source.TiesAllowed,
        UnknownDeletesAllowed = Bound.Source.UnknownDeletesAllowed,
        IgnoreAvailability = Bound.Source.IgnoresAvailability,
        MaxThreads = threads,
    };

    /// <summary>The spine as this view asks: its key columns and the instants.</summary>
    public SpineTable Spine(IReadOnlyDictionary<string, IArrowArray> columns)
    {
        var asOf = (TimestampArray)columns[FeatureQuery.AsOf];
        return new SpineTable([.. SpineKeys.Select(k => columns[k])], AskedAfter == 0 ? asOf : Later(asOf));
    }

    TimestampArray Later(TimestampArray asOf)
    {
        var values = asOf.Values.ToArray();
        for (var i = 0; i < values.Length; i++)
        {
            // The least instant stands for no as_of.
            if (values[i] != long.MinValue) values[i] = FragmentPruning.Add(values[i], AskedAfter);
        }
        return ArrowColumns.Timestamps(values);
    }

    /// <summary>Turns the kernel's columns into named feature columns.</summary>
    public IEnumerable<(string Name, IArrowArray Column)> Finish(IReadOnlyList<IArrowArray> computed, int rows, List<FeatureError> errors)
    {
        var first = new int[windows.Count];
        for (int w = 0, next = latest.Count; w < first.Length; w++)
        {
            first[w] = next;
            next += windows[w].Aggregates.Count;
        }
        foreach (var output in outputs)
        {
            if (output.Result is null)
            {
                yield return (output.Name, computed[output.Latest]);
                continue;
            }
            var inputs = output.Aggregates.Select(a => computed[first[output.Window] + a]).ToArray();
            yield return (output.Name, output.Result is ColumnExpr { Name: "$0" } ? inputs[0] : Combine(output, inputs, rows, errors));
        }
    }

    /// <summary>Of a label in the future, computed: adds when it can be known, and takes away what can not be known yet.</summary>
    public void MaskLabel(SpineRows rows, string name, DateTimeOffset now)
    {
        var known = rows.WhereAsked(Spine(rows.Columns).AsOf);
        rows.Columns[name] = LabelMaturity.Mask(rows.Columns[name], known, now);
        rows.Columns[FeatureQuery.LabelKnownAt] = known;
    }

    /// <summary>Whether a row had a part in a feature (by its position in the view), or why not.</summary>
    public RowFate FateIn(int feature, ExplainedRow row) => row.LatestFates.Count + row.WindowFates.Count == 0 ? row.Fate
        : outputs[feature].Result is null ? row.LatestFates[outputs[feature].Latest] : row.WindowFates[outputs[feature].Window];

    static IArrowArray Combine(Output output, IArrowArray[] inputs, int rows, List<FeatureError> errors)
    {
        var fields = inputs.Select((a, i) => new Field($"${i}", a.Data.DataType, true));
        var failed = new List<RowError>();
        var result = CompiledExpr.Compile(output.Result!).Evaluate(new RecordBatch(new Schema(fields, null), inputs, rows), failed);
        errors.AddRange(failed.Select(e => new FeatureError(e.Row, output.Name, e.Message)));
        return result;
    }
}
