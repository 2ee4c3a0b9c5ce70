using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Engine;
using BatchMl.Engine.Shuffle;
using BatchMl.Spark.Connect;

namespace BatchMl.Spark.Engine;

/// <summary>A shuffled query as a relation of Spark: its tasks are functions over partitions, its shuffles Spark's.</summary>
sealed class SparkPlan
{
    // The columns of parcels.
    const string ParcelDdl = "bucket BIGINT, order_in_bucket BIGINT, table_number INT, data BINARY";

    static readonly string[] parcelColumns = [.. Parcel.Schema.FieldsList.Select(f => f.Name)];

    static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(5);

    // Below this many tasks' rows one bucket is bearable, however many of the rows are in it.
    const int TasksWorthCounting = 8;

    readonly ShuffledQuery query;
    readonly ShuffleLayout layout;
    readonly SparkEngineOptions options;
    readonly int most;
    readonly long spineRows;
    readonly int partitions;
    readonly Func<ShuffleLayout, TaskKind, int, TaskOrder> order;

    SparkPlan(ShuffledQuery query, ShuffleLayout layout, long spineRows, int partitions, SparkEngineOptions options, int most, Func<ShuffleLayout, TaskKind, int, TaskOrder> order) =>
        (this.query, this.layout, this.spineRows, this.partitions, this.options, this.most, this.order) = (query, layout, spineRows, partitions, options, most, order);

    /// <summary>Spreads a query over tasks. Where there are many rows, buckets that have far more than others are looked for, and cut by time.</summary>
    /// <param name="local">The query, pinned.</param>
    /// <param name="partitions">What is computed.</param>
    /// <param name="byPartition">Whether rows meet by partition at the end.</param>
    /// <param name="countsRows">Whether rows may be read to find hot buckets.</param>
    /// <param name="options">Rows per task.</param>
    /// <param name="spark">Counts.</param>
    /// <param name="order">What a task is told.</param>
    /// <param name="cancel">Stops counting.</param>
    public static async Task<SparkPlan> MakeAsync(
        IPinnedQuery local, IReadOnlyList<SpinePartition> partitions, bool byPartition, bool countsRows, SparkEngineOptions options, SparkSession spark, Func<ShuffleLayout, TaskKind, int, TaskOrder> order, CancellationToken cancel)
    {
        var most = int.TryParse(await spark.GetAsync("spark.sql.shuffle.partitions", cancel), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 200;
        var plain = ShuffledQuery.Of(local, partitions, new ShuffleLayout(1, byPartition, []));
        var spineRows = partitions.Sum(p => Math.Max(0, p.Rows));
        long[] rows = [.. Enumerable.Range(0, plain.Passes).Select(p => spineRows + plain.ViewsOf(p).Sum(v => plain.RowsOf(v, plain.EventParts(v))))];
        // Several buckets for each task, so that those which are larger than others even out.
        var layout = new ShuffleLayout(4 * Tasks(rows.Append(spineRows).Max(), options, most), byPartition, []);
        SparkPlan Of(ShuffleLayout layout) => new(ShuffledQuery.Of(local, partitions, layout), layout, spineRows, partitions.Count, options, most, order);
        var even = Of(layout);
        var hot = new List<HotBucket>();
        for (var pass = 0; pass < rows.Length; pass++)
        {
            if (countsRows && rows[pass] > TasksWorthCounting * options.RowsPerTask && even.query.CanCount(pass)) hot.AddRange(await even.HotBucketsAsync(pass, spark, cancel));
        }
        if (hot.Count == 0) return even;
        options.OnProgress?.Invoke($"Spark, counting rows by key: {hot.Count} of {layout.Buckets} buckets have many rows, and are cut by time into {hot.Sum(b => b.Starts.Count + 1)} slices");
        return Of(layout with { HotBuckets = hot });
    }

    // Counting reads keys and times once more.
    async Task<IReadOnlyList<HotBucket>> HotBucketsAsync(int pass, SparkSession spark, CancellationToken cancel)
    {
        var counted = Map(Parts(query.SpineParts), ["part"], TaskKind.CountSpine, pass, CountRows.Ddl);
        foreach (var view in query.ViewsOf(pass).Where(v => query.EventParts(v).Count > 0)) counted = counted.Union(Map(Parts(query.EventParts(view)), ["part"], TaskKind.CountEvents, view, CountRows.Ddl));
        var counts = query.NewCounts();
        await foreach (var batch in spark.CollectAsync(counted, Execution("counting rows by key"), cancel).WithWorkersErrorsAsync(cancel))
        {
            using (batch) CountRows.Add(counts, batch);
        }
        return counts.Hot(pass, options.RowsPerTask);
    }

    static int Tasks(long rows, SparkEngineOptions options, int most) => (int)Math.Clamp(rows / options.RowsPerTask + 1, Math.Min(2, most), most);

    /// <summary>The spine with all features of views.</summary>
    public SparkRelation Joined()
    {
        var rows = Map(Parts(query.SpineParts), ["part"], TaskKind.Spine, 0, ParcelDdl);
        for (var pass = 0; pass < query.Passes; pass++)
        {
            var all = spineRows;
            foreach (var view in query.ViewsOf(pass))
            {
                var parts = query.EventParts(view);
                if (parts.Count == 0) continue;
                all += query.RowsOf(view, parts);
                var events = Map(Parts(parts), ["part"], TaskKind.Events, view, ParcelDdl);
                if (query.HasVersions(view)) events = Map(Shuffle(events, Tasks(query.RowsOf(view, parts), options, most)), parcelColumns, TaskKind.Versions, view, ParcelDdl);
                rows = rows.Union(events);
            }
            rows = Map(Shuffle(rows, Tasks(all, options, most)), parcelColumns, TaskKind.Join, pass, ParcelDdl);
        }
        return rows;
    }

    /// <summary>The last tasks, over rows with their features: as many as rows ask for, and no more than there are partitions if rows meet by these.</summary>
    public SparkRelation Finish(SparkRelation joined, TaskKind kind)
    {
        var tasks = Tasks(4 * spineRows, options, most);
        return Map(Shuffle(joined, layout.ByPartition ? Math.Min(partitions, tasks) : tasks), parcelColumns, kind, 0, kind == TaskKind.Score ? ScoredPartitions.Ddl : StagedRows.Ddl);
    }

    /// <summary>How an execution is watched: a line now and then.</summary>
    public SparkExecution Execution(string what)
    {
        if (options.OnProgress is not { } tell) return new SparkExecution();
        var told = options.Clock.GetTimestamp();
        return new SparkExecution
        {
            OnProgress = progress =>
            {
                if (options.Clock.GetElapsedTime(told) < ProgressEvery) return;
                told = options.Clock.GetTimestamp();
                var stages = progress.Stages.Count(s => !s.Done);
                tell($"Spark, {what}: {progress.TasksDone} of {progress.Tasks} tasks done, {progress.TasksRunning} running, {stages} stage{(stages == 1 ? "" : "s")} to go");
            },
        };
    }

    SparkRelation Parts(IReadOnlyList<int> parts)
    {
        // Neighbouring parts in one task, since their rows go the same ways as a rule; but no fewer tasks than there could be.
        var numbers = new Int32Array.Builder().AppendRange(parts).Build();
        return SparkRelation.Local(new RecordBatch(new Schema([new Field("part", Int32Type.Default, false)], null), [numbers], parts.Count)).Repartition(Math.Max(1, Math.Min(parts.Count, most)));
    }

    static SparkRelation Shuffle(SparkRelation parcels, int tasks) =>
        (tasks == 1 ? parcels.Repartition(1) : parcels.Repartition(tasks, "bucket")).SortWithinPartitions("bucket", "order_in_bucket");

    SparkRelation Map(SparkRelation input, IReadOnlyList<string> columns, TaskKind kind, int number, string ddl) =>
        input.Map(new SparkFunction(order(layout, kind, number).ToCommand(), columns, ddl, $"batchml_{kind.ToString().ToLowerInvariant()}_{number}"));
}
