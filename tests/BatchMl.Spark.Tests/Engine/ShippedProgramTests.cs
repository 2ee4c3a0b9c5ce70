using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using BatchMl.Spark.Engine;
using BatchMl.TestSupport;

namespace BatchMl.Spark.Tests.Engine;

/// <summary>A program that is packed, and what the launcher makes of it on an executor's host, without Spark.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ShippedProgramTests : IDisposable
{
    const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    const int TextFileBusy = 26;

    readonly TestFolder folder = new();

    public ShippedProgramTests()
    {
        Write("program/it's a worker", "#!/bin/sh\necho \"$0\"; printf '<%s>' \"$@\"; cat \"$(dirname \"$0\")/data/one\"\n");
        File.SetUnixFileMode(folder.At("program", "it's a worker"), Executable);
        Write("program/data/one", "1");
        Write("program/.hidden/secret", "2");
        Write("program/workspace/datasets/rows", "3");
    }

    public void Dispose() => folder.Dispose();

    void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.At(file))!);
        File.WriteAllText(folder.At(file), text);
    }

    Task<ShippedProgram> PackAsync() =>
        ShippedProgram.PackAsync(folder.At("program", "it's a worker"), folder.At("program", "workspace"), TimeProvider.System, TestContext.Current.CancellationToken);

    // As Spark does: both files are in the folder in which it starts workers.
    (int Code, string Output, string Error) Launch(ShippedProgram program, string session, params string[] args)
    {
        Directory.CreateDirectory(folder.At(session));
        File.Copy(program.Archive, folder.At(session, program.ArchiveName), overwrite: true);
        File.WriteAllText(folder.At(session, "launcher.sh"), program.Launcher());
        File.SetUnixFileMode(folder.At(session, "launcher.sh"), Executable);
        using var process = Start(new ProcessStartInfo(folder.At(session, "launcher.sh"), args)
        {
            WorkingDirectory = folder.At(session), RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["BATCHML_PROGRAM_CACHE"] = folder.At("cache") },
        });
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    // A process that another thread is starting has the file that was just written open, for as long as it is not its own program yet ("Text file busy").
    static Process Start(ProcessStartInfo start)
    {
        while (true)
        {
            try
            {
                return Process.Start(start)!;
            }
            catch (Win32Exception e) when (e.NativeErrorCode == TextFileBusy)
            {
                Thread.Yield();
            }
        }
    }

    string[] Unpacked() => Directory.GetDirectories(folder.At("cache"));

    [Fact]
    public async Task The_program_runs_from_the_cache_with_its_arguments_and_files_and_nothing_else()
    {
        var (code, output, error) = Launch(await PackAsync(), "session", "-m", "pyspark.daemon", "a b", "");
        Assert.True(code == 0, error);
        var cached = Assert.Single(Unpacked());
        Assert.Equal($"{cached}/it's a worker\n<-m><pyspark.daemon><a b><>1", output);
        Assert.Equal(["data/one", "it's a worker"], Directory.GetFiles(cached, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(cached, f)).Order(StringComparer.Ordinal));
        Assert.Equal(Executable, File.GetUnixFileMode(Path.Combine(cached, "it's a worker")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder.At("cache")));
    }

    [Fact]
    public async Task Another_session_finds_it_unpacked_and_another_build_has_a_folder_of_its_own()
    {
        var program = await PackAsync();
        Launch(program, "first");
        var cached = Assert.Single(Unpacked());
        File.WriteAllText(Path.Combine(cached, "data", "one"), "touched");
        Assert.EndsWith("touched", Launch(program, "second").Output, StringComparison.Ordinal);

        Write("program/data/one", "new");
        Assert.EndsWith("new", Launch(await PackAsync(), "third").Output, StringComparison.Ordinal);
        Assert.Equal(2, Unpacked().Length);
    }

    [Fact]
    public async Task What_was_unpacked_half_by_one_that_was_killed_is_not_taken_for_whole()
    {
        var program = await PackAsync();
        Launch(program, "first");
        var cached = Assert.Single(Unpacked());
        Directory.Move(cached, cached + ".new");
        File.Delete(Path.Combine(cached + ".new", "data", "one"));
        Assert.EndsWith("1", Launch(program, "second").Output, StringComparison.Ordinal);
        Assert.Equal([cached], Unpacked());
    }

    [Fact]
    public async Task Many_that_start_at_once_unpack_it_once_and_all_run()
    {
        var program = await PackAsync();
        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => Launch(program, $"session-{i.ToString(CultureInfo.InvariantCulture)}"))));
        Assert.All(all, a => Assert.True(a.Code == 0 && a.Output.EndsWith('1'), a.Error));
        Assert.Single(Unpacked());
    }

    [Fact]
    public async Task Builds_that_nobody_started_for_a_week_are_removed_unless_someone_runs_them()
    {
        Launch(await PackAsync(), "first");
        var first = Assert.Single(Unpacked());
        Write("program/data/one", "2");
        Launch(await PackAsync(), "second");
        var second = Unpacked().Single(u => u != first);
        foreach (var used in Directory.GetFiles(folder.At("cache"), "*.used")) File.SetLastWriteTimeUtc(used, File.GetLastWriteTimeUtc(used) - TimeSpan.FromDays(9));

        // A worker of the second build runs: it holds its lock.
        using var running = Process.Start(new ProcessStartInfo("flock", ["-s", second + ".used", "sh", "-c", "echo held; exec cat"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Assert.Equal("held", running.StandardOutput.ReadLine());
        Write("program/data/one", "3");
        Launch(await PackAsync(), "third");
        running.StandardInput.Close();
        running.WaitForExit();
        Assert.DoesNotContain(first, Unpacked());
        Assert.Contains(second, Unpacked());
        Assert.Equal(2, Unpacked().Length);
    }

    [Fact]
    public async Task A_cache_that_is_a_link_could_be_anyones_and_is_refused()
    {
        Directory.CreateDirectory(folder.At("elsewhere"));
        File.CreateSymbolicLink(folder.At("cache"), folder.At("elsewhere"));
        var (code, output, error) = Launch(await PackAsync(), "session");
        Assert.Equal((1, ""), (code, output));
        Assert.Contains("BATCHML_PROGRAM_CACHE", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_packed_once_and_the_same_everywhere()
    {
        var program = await PackAsync();
        var packed = File.GetLastWriteTimeUtc(program.Archive);
        var again = await PackAsync();
        Assert.Equal((program.Archive, packed), (again.Archive, File.GetLastWriteTimeUtc(again.Archive)));
        // As another driver with a workspace of its own would pack it.
        File.Move(program.Archive, folder.At("first"));
        Assert.Equal(File.ReadAllBytes(folder.At("first")), File.ReadAllBytes((await PackAsync()).Archive));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(program.Archive)!));
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_told()
    {
        var error = await Assert.ThrowsAsync<BatchMlException>(() => ShippedProgram.PackAsync(folder.At("none"), folder.At("workspace"), TimeProvider.System, TestContext.Current.CancellationToken));
        Assert.Contains("Spark:Worker", error.Message, StringComparison.Ordinal);
    }
}
