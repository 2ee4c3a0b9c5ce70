using System.Diagnostics;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>A source's file that is replaced, cut off or written over while it is read: the old answer or the new one, or a clear error; never a mix.</summary>
[Collection(nameof(FaultsCollection))]
public sealed class SourceChangeTests(FlightDelaysRun uninterrupted)
{
    static readonly string[] partitions = ["2013-12-20", "2013-12-21"];

    /// <summary>How the file comes to its new content.</summary>
    public enum Change
    {
        /// <summary>As tools do that know how: a new file is renamed over the old.</summary>
        Rename,
        /// <summary>The new content is written into the old file.</summary>
        Overwrite,
        /// <summary>The file is cut off, and only later gets its new content.</summary>
        Truncate,
        /// <summary>The file is removed, and only later there is a new one.</summary>
        Remove,
    }

    // A text file that is cut off is a text file still: only Parquet is seen to be no table any more.
    [Theory]
    [InlineData("parquet", Change.Rename)]
    [InlineData("parquet", Change.Overwrite)]
    [InlineData("parquet", Change.Truncate)]
    [InlineData("parquet", Change.Remove)]
    [InlineData("csv", Change.Rename)]
    [InlineData("csv", Change.Overwrite)]
    public async Task A_file_that_changes_while_it_is_read_is_read_again(string format, Change change)
    {
        using var folder = new TestFolder();
        var (path, replacement) = (folder.At($"weather.{format}"), folder.At($"new.{format}"));
        Write("*", path);
        Write("* REPLACE (temp + 7 AS temp, wind_speed * 2 AS wind_speed)", replacement);
        string[] Args(ScoringWorkspace w) => w.Run("--set", $"Sources:weather:Path={path}", "--set", $"Sources:weather:Format={format}", "--partition", partitions[0], "--partition", partitions[1]);

        using var workspace = new ScoringWorkspace(uninterrupted);
        var changed = 0;
        var disturbed = new DisturbedJobs
        {
            Source = (binding, source) => binding.Path != path ? source : new ChangingSource(source, () =>
            {
                if (Interlocked.Exchange(ref changed, 1) == 0) Apply(change, path, replacement);
            }),
        };
        var result = await disturbed.RunAsync(Args(workspace));
        var content = await Workspaces.ContentAsync(workspace.Path, ScoringWorkspace.Job);
        TestContext.Current.TestOutputHelper!.WriteLine(result.All);
        Assert.DoesNotContain("defect", result.All, StringComparison.Ordinal);
        Assert.Empty(Workspaces.Leftovers(workspace.Path));
        if (change is Change.Truncate or Change.Remove)
        {
            // What is there now is no table: that is said, and nothing of the mix is committed.
            Assert.Equal(1, result.Code);
            Assert.Contains(path, result.All, StringComparison.Ordinal);
            Assert.Empty(content);
            File.Copy(replacement, path, overwrite: true);
            result = await new DisturbedJobs().RunAsync(Args(workspace));
            content = await Workspaces.ContentAsync(workspace.Path, ScoringWorkspace.Job);
        }
        Assert.True(result.Code == 0, result.All);

        using var fresh = new ScoringWorkspace(uninterrupted);
        var expected = await new DisturbedJobs().RunAsync(Args(fresh));
        Assert.True(expected.Code == 0, expected.All);
        Assert.Equal(await Workspaces.ContentAsync(fresh.Path, ScoringWorkspace.Job), content);
        // That the change matters.
        var old = await Workspaces.ContentAsync(uninterrupted.Workspace, ScoringWorkspace.Job);
        Assert.All(content, c => Assert.NotEqual(old[c.Key], c.Value));
    }

    [Fact]
    public async Task Rows_that_were_counted_and_then_do_not_come_are_missed()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var reads = 0;
        // Read once to plan, and then to compute.
        var disturbed = new DisturbedJobs { Source = (binding, source) => binding.Name != "flights" ? source : new LosingSource(source, () => Interlocked.Increment(ref reads) == 2) };
        var result = await disturbed.RunAsync(workspace.Run("--partition", partitions[0], "--partition", partitions[1]));
        Assert.True(result.Code == 0, result.All);
        Assert.Contains("were counted there when the job was planned", result.All, StringComparison.Ordinal);
        await workspace.AssertWholeAsync(partitions);
    }

    static void Apply(Change change, string path, string replacement)
    {
        switch (change)
        {
            case Change.Rename:
                File.Copy(replacement, path + ".new");
                File.Move(path + ".new", path, overwrite: true);
                break;
            // By programs that know nothing of the locks that .NET keeps on open files.
            case Change.Overwrite:
                Call("cp", replacement, path);
                break;
            case Change.Truncate:
                Call("truncate", "-s", "10000", path);
                break;
            case Change.Remove:
                File.Delete(path);
                break;
        }
    }

    static void Call(string program, params string[] args)
    {
        using var process = Process.Start(program, args);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    static void Write(string columns, string path)
    {
        var options = path.EndsWith(".csv", StringComparison.Ordinal) ? "FORMAT csv, HEADER" : "FORMAT parquet, ROW_GROUP_SIZE 2048";
        Duck.Execute($"COPY (SELECT {columns} FROM '{Path.Combine(Workspaces.Data, "weather.parquet")}') TO '{path}' ({options})");
    }

    /// <summary>A source that gives no rows in some of its readings.</summary>
    sealed class LosingSource(IBatchSource inner, Func<bool> isLost) : IBatchSource
    {
        public async Task<ISourceSnapshot> OpenAsync(CancellationToken cancel) => new Snapshot(await inner.OpenAsync(cancel), isLost);

        sealed class Snapshot(ISourceSnapshot inner, Func<bool> isLost) : ISourceSnapshot
        {
            public Schema Schema => inner.Schema;
            public IReadOnlyList<SourceFile> Files => inner.Files;
            public IReadOnlyList<SourceFragment> Fragments => inner.Fragments;
            public IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, CancellationToken cancel) => isLost() ? AsyncEnumerable.Empty<SourceBatch>() : inner.ReadAsync(request, cancel);
            public void Verify() => inner.Verify();
            public void Dispose() => inner.Dispose();
        }
    }

    /// <summary>A source that does something after the first batch of each reading.</summary>
    sealed class ChangingSource(IBatchSource inner, Action change) : IBatchSource
    {
        public async Task<ISourceSnapshot> OpenAsync(CancellationToken cancel) => new Snapshot(await inner.OpenAsync(cancel), change);

        sealed class Snapshot(ISourceSnapshot inner, Action change) : ISourceSnapshot
        {
            public Schema Schema => inner.Schema;
            public IReadOnlyList<SourceFile> Files => inner.Files;
            public IReadOnlyList<SourceFragment> Fragments => inner.Fragments;

            public async IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, [EnumeratorCancellation] CancellationToken cancel)
            {
                await foreach (var batch in inner.ReadAsync(request, cancel))
                {
                    yield return batch;
                    change();
                }
            }

            public void Verify() => inner.Verify();
            public void Dispose() => inner.Dispose();
        }
    }
}
