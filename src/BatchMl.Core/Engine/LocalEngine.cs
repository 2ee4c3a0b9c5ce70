using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Scoring;

namespace BatchMl.Engine;

/// <summary>Computes features in this process.</summary>
/// <param name="spill">Takes what exceeds the memory budget; null: everything stays in memory.</param>
public sealed class LocalEngine(SpillFactory? spill) : IEngine
{
    /// <inheritdoc/>
    public string Name => EngineName;

    /// <summary>The name of this engine.</summary>
    public const string EngineName = "local";

    // One unit shares the reading of its windows' history; many small ones commit sooner and run side by side.
    /// <inheritdoc/>
    public long UnitRows => 65_536;

    /// <inheritdoc/>
    public int UnitPartitions => 14;

    /// <inheritdoc/>
    public async Task<IPinnedQuery> OpenAsync(FeatureQuery query, Func<string, IBatchSource> sources, FeatureOptions options, CancellationToken cancel)
    {
        var opened = new Dictionary<string, ISourceSnapshot>(StringComparer.Ordinal);
        try
        {
            var problems = new List<string>();
            foreach (var source in SourcesOf(query).DistinctBy(s => s.Name))
            {
                try
                {
                    opened[source.Name] = await sources(source.Name).OpenAsync(cancel);
                }
                catch (DefinitionException e)
                {
                    problems.AddRange(e.Problems);
                }
            }
            var bound = SourcesOf(query).Where(s => opened.ContainsKey(s.Name)).Distinct().ToDictionary(s => s, s => new BoundSource(s, opened[s.Name]));
            problems.AddRange(bound.Values.SelectMany(b => b.Differences()).Distinct());
            if (problems.Count > 0) throw new DefinitionException(problems);
            return new LocalQuery(query, bound, [.. opened.Values], options, spill);
        }
        catch
        {
            foreach (var snapshot in opened.Values) snapshot.Dispose();
            throw;
        }
    }

    static IEnumerable<Source> SourcesOf(FeatureQuery query)
    {
        yield return query.Spine.Source;
        foreach (var view in query.Views) yield return view.View.Source;
        if (query.Label is FutureLabel label) yield return label.Source;
    }
}

/// <summary>A query with its sources pinned, computed in this process.</summary>
sealed class LocalQuery : IPinnedQuery
{
    // Spine rows whose features are computed at once: each piece reads the events that it can see, so that few pieces read less and small ones need less memory.
    const int PieceRows = 1 << 19;

    readonly IReadOnlyDictionary<Source, BoundSource> bound;
    readonly IReadOnlyList<ISourceSnapshot> snapshots;
    readonly FeatureOptions options;
    readonly SpillFactory? spill;
    readonly SpineReader spine;
    readonly IReadOnlyList<ViewComputation> views;
    readonly ViewComputation? label;

    public LocalQuery(
        FeatureQuery query, IReadOnlyDictionary<Source, BoundSource> bound, IReadOnlyList<ISourceSnapshot> snapshots, FeatureOptions options, SpillFactory? spill)
    {
        (Query, this.bound, this.snapshots, this.options, this.spill) = (query, bound, snapshots, options, spill);
        var source = bound[query.Spine.Source];
        spine = query.Spine.Calendar is null ? new RowSpineReader(query, source, options) : new PopulationSpineReader(query, source, options);
        views = [.. query.Views.Select(v => ViewComputation.Of(v, bound[v.View.Source]))];
        label = query.Label is FutureLabel future ? ViewComputation.Of(future, bound[future.Source]) : null;
    }

    public FeatureQuery Query { get; }

    public FeatureOptions Options => options;

    public SpineReader Spine => spine;

    /// <summary>The views, and after them the label if it lies in the future.</summary>
    public IReadOnlyList<ViewComputation> Computations => label is null ? views : [.. views, label];

    public IReadOnlyList<PinnedSource> Sources
    {
        get
        {
            List<PinnedSource> all = [new PinnedSource(Query.Spine.Source, "spine", bound[Query.Spine.Source].Snapshot)];
            all.AddRange(views.Select(v => new PinnedSource(v.Bound.Source, "features", v.Bound.Snapshot)).DistinctBy(s => s.Source));
            if (label is not null) all.Add(new PinnedSource(label.Bound.Source, "label", label.Bound.Snapshot));
            return all;
        }
    }

    public Task<IReadOnlyList<SpinePartition>> PartitionsAsync(DateOnly? from, DateOnly? to, CancellationToken cancel) => spine.CountAsync(from, to, cancel);

    public string InputsDigest(SpinePartition partition)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "spine", bound[Query.Spine.Source], spine.Fragments(partition));
        foreach (var view in Computations)
        {
            var (min, max) = (FragmentPruning.Add(partition.MinAsOf, view.AskedAfter), FragmentPruning.Add(partition.MaxAsOf, view.AskedAfter));
            Append(hash, view.Bound.Source.Name, view.Bound, FragmentPruning.Visible(view.Bound, view.LookBack, view.EffectiveAxis, min, max));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    static void Append(IncrementalHash hash, string role, BoundSource source, IReadOnlyList<int> fragments)
    {
        var name = System.Text.Encoding.UTF8.GetBytes(role);
        foreach (var fragment in fragments)
        {
            hash.AppendData(name);
            hash.AppendData(source.Identities[fragment]);
        }
    }

    public Task<IReadOnlyList<string>> EnginePlanAsync(IReadOnlyList<SpinePartition> partitions, CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>([]);

    public async IAsyncEnumerable<FeatureBatch> ComputeAsync(
        IReadOnlyList<SpinePartition> partitions, Action<string, TimeSpan>? stageTime, [EnumeratorCancellation] CancellationToken cancel)
    {
        // Without views there is nothing to gain from many rows at once.
        var pieceRows = views.Count == 0 && label is null ? 1 : PieceRows;
        var (started, given) = (Stopwatch.GetTimestamp(), 0L);
        await foreach (var rows in spine.ReadAsync(partitions, pieceRows, options.MemoryBytes / 8, cancel))
        {
            var reading = Stopwatch.GetElapsedTime(started);
            started = Stopwatch.GetTimestamp();
            var viewReading = TimeSpan.Zero;
            foreach (var view in views) await AddAsync(view, rows, t => viewReading += t, cancel);
            rows.Derive(Query);
            if (label is not null) await AddLabelAsync(rows, t => viewReading += t, cancel);
            stageTime?.Invoke("read", reading + viewReading);
            stageTime?.Invoke("features", Stopwatch.GetElapsedTime(started) - viewReading);
            foreach (var batch in rows.ToBatches(Query, options.BatchSize, cancel)) yield return batch;
            given += rows.Rows;
            started = Stopwatch.GetTimestamp();
        }
        CheckCounted(partitions, given);
    }

    public Task<IReadOnlyList<ScoredPartition>> ScoreAsync(
        IReadOnlyList<PartitionToScore> partitions, PartitionScoring scoring, IBatchSink sink, ScoringRun run, Action<string, TimeSpan>? stageTime, CancellationToken cancel) =>
        scoring.RunAsync(ComputeAsync([.. partitions.Select(p => p.Spine)], stageTime, cancel), [.. partitions.Select(p => (p.Key, p.Fence))], sink, run, cancel);

    // The same pinned files were counted to plan with: fewer or more rows now would be rows lost or doubled without a word.
    void CheckCounted(IReadOnlyList<SpinePartition> partitions, long rows)
    {
        var counted = partitions.Sum(p => p.Rows);
        if (partitions.Any(p => p.Rows < 0) || counted == rows) return;
        throw new BatchMlException(
            $"Source '{Query.Spine.Source.Name}' gave {rows} rows of {Query.Spine.PartitionName} {string.Join(", ", partitions.Select(p => p.Value))}; {counted} were counted there when the job was planned. "
            + "Either its files changed, or reading them went wrong; nothing of this attempt counts, and it is repeated.", FailureKind.Transient);
    }

    async Task AddAsync(ViewComputation view, SpineRows rows, Action<TimeSpan> readTime, CancellationToken cancel)
    {
        var computed = await new ViewReader(view, options, spill).ComputeAsync(rows.Columns, readTime, cancel);
        foreach (var (name, column) in view.Finish(computed, rows.Rows, rows.Errors)) rows.Columns[name] = column;
    }

    async Task AddLabelAsync(SpineRows rows, Action<TimeSpan> readTime, CancellationToken cancel)
    {
        await AddAsync(label!, rows, readTime, cancel);
        label!.MaskLabel(rows, Query.Label!.Name, options.Now);
    }

    public Task<IReadOnlyList<Explanation>> ExplainAsync(IReadOnlyDictionary<string, string> key, DateTimeOffset asOf, CancellationToken cancel) =>
        new Explainer(Query, spine, views, options).ExplainAsync(key, asOf, cancel);

    public void Verify()
    {
        foreach (var snapshot in snapshots) snapshot.Verify();
    }

    public void Dispose()
    {
        foreach (var snapshot in snapshots) snapshot.Dispose();
    }
}
