using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using BatchMl.Spark.Connect;

namespace BatchMl.Spark.Engine;

/// <summary>
/// The folder of a program on its way to executors that do not have it: packed once per content into the workspace's cache, sent as an artifact of the session, unpacked once per host by a launcher that Spark starts in Python's
/// place. Spark's own unpacking of archives would do it again for every session on every executor, and start when the session's first task waits for it in any case.
/// </summary>
sealed class ShippedProgram
{
    // As many as make an artifact's name its own, which servers that have it already ask for.
    const int DigestDigits = 16;

    // Another driver may be sending one of another build.
    static readonly TimeSpan unusedFor = TimeSpan.FromDays(1);

    readonly string program;
    readonly string content;
    readonly string digest;

    ShippedProgram(string program, string content, string archive, string digest) => (this.program, this.content, Archive, this.digest) = (program, content, archive, digest);

    /// <summary>The packed folder, a <c>.tar.gz</c>.</summary>
    public string Archive { get; }

    /// <summary>How executors find it in the folder of a session. Not by the name of an archive: Spark would unpack that, for every session.</summary>
    internal string ArchiveName => $"batchml-{digest[..DigestDigits]}.program";

    /// <summary>Packs the folder of a program, unless that was done before.</summary>
    /// <param name="program">The executable.</param>
    /// <param name="workspace">Where archives are kept; what lies in the program's folder of it is not packed.</param>
    /// <param name="clock">"Now".</param>
    /// <param name="cancel">Stops packing.</param>
    /// <exception cref="BatchMlException">The program is not there, can not be read, or the workspace is not writable.</exception>
    public static async Task<ShippedProgram> PackAsync(string program, string workspace, TimeProvider clock, CancellationToken cancel)
    {
        if (!File.Exists(program))
            throw new BatchMlException($"There is no program {program} to send to the executors. Expected Spark:Worker to name an executable on the driver's machine where Spark:Ship is true.", FailureKind.Permanent);
        var folder = Path.GetDirectoryName(Path.GetFullPath(program))!;
        try
        {
            var files = FilesOf(folder, workspace);
            var cache = Path.Combine(workspace, "cache");
            var content = await DigestAsync(folder, files, cancel);
            var archive = Path.Combine(cache, $"program-{content}.tar.gz");
            Directory.CreateDirectory(cache);
            foreach (var old in Directory.GetFiles(cache, "program-*").Where(f => f != archive && File.GetLastWriteTimeUtc(f) < clock.GetUtcNow().UtcDateTime - unusedFor)) File.Delete(old);
            if (!File.Exists(archive)) await PackAsync(folder, files, archive, cancel);
            await using var packed = File.OpenRead(archive);
            return new ShippedProgram(Path.GetFileName(program), content, archive, Convert.ToHexStringLower(await SHA256.HashDataAsync(packed, cancel)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"The program in {folder} can not be packed into {workspace}: {e.Message} Expected a readable folder and a writable workspace.", FailureKind.Permanent, e);
        }
    }

    /// <summary>Sends it to a session, which has it from then on.</summary>
    /// <returns>What Spark is to start, relative to the folder in which it starts workers of the session.</returns>
    public async Task<string> SendAsync(SparkSession session, CancellationToken cancel)
    {
        await session.AddArtifactAsync($"files/{ArchiveName}", Archive, cancel);
        var launcher = Encoding.UTF8.GetBytes(Launcher());
        var name = $"batchml-{Convert.ToHexStringLower(SHA256.HashData(launcher))[..DigestDigits]}.sh";
        await session.AddArtifactAsync($"files/{name}", launcher, cancel);
        return $"./{name}";
    }

    // Hidden files are nobody's program; the workspace is in the program's folder if someone works there.
    static string[] FilesOf(string folder, string workspace)
    {
        var inWorkspace = Path.TrimEndingDirectorySeparator(workspace) + Path.DirectorySeparatorChar;
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(f => !f.StartsWith(inWorkspace, StringComparison.Ordinal))
            .Select(f => Path.GetRelativePath(folder, f))
            .Where(f => !f.Split(Path.DirectorySeparatorChar).Any(n => n.StartsWith('.')))
            .ToArray();
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }

    static async Task<string> DigestAsync(string folder, string[] files, CancellationToken cancel)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files)
        {
            await using var content = File.OpenRead(Path.Combine(folder, file));
            all.AppendData(Encoding.UTF8.GetBytes($"{file}\n{(int)ModeOf(folder, file)}\n"));
            all.AppendData(await SHA256.HashDataAsync(content, cancel));
        }
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }

    static async Task PackAsync(string folder, string[] files, string archive, CancellationToken cancel)
    {
        // What a crash leaves half has another name.
        var half = $"{archive}.{Guid.NewGuid():N}";
        try
        {
            await using (var zipped = new GZipStream(File.Create(half), CompressionLevel.Fastest))
            await using (var tar = new TarWriter(zipped, TarEntryFormat.Gnu))
            {
                foreach (var file in files)
                {
                    await using var content = File.OpenRead(Path.Combine(folder, file));
                    await tar.WriteEntryAsync(new GnuTarEntry(TarEntryType.RegularFile, file) { Mode = ModeOf(folder, file), ModificationTime = DateTimeOffset.UnixEpoch, DataStream = content }, cancel);
                }
            }
            File.Move(half, archive, overwrite: true);
        }
        finally
        {
            File.Delete(half);
        }
    }

    static UnixFileMode ModeOf(string folder, string file) =>
        OperatingSystem.IsWindows() ? UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute : File.GetUnixFileMode(Path.Combine(folder, file));

    // Nothing may be written to standard output, which is Spark's. The cache could have been made by another user to foist a program on us, so it must be ours.
    internal string Launcher() => $$"""
        #!/bin/sh
        # Unpacks BatchMl's program once per host and becomes it.
        set -eu
        cache=${BATCHML_PROGRAM_CACHE:-${TMPDIR:-/tmp}/batchml-programs-$(id -u)}
        program=$cache/{{content}}
        [ -d "$cache" ] || mkdir -p -m 700 "$cache"
        if [ -L "$cache" ] || [ ! -O "$cache" ]; then
          echo "$cache is not a folder of user $(id -u). Remove it, or name another: --conf spark.executorEnv.BATCHML_PROGRAM_CACHE=DIR" >&2
          exit 1
        fi
        # Held as long as the worker lives.
        exec 8>>"$program.used"
        touch "$program.used"
        flock -s 8
        exec 9>>"$program.lock"
        flock 9
        if [ ! -d "$program" ]; then
          # What is left of one that was killed.
          rm -rf "$program.new"
          mkdir "$program.new"
          tar -xzf '{{ArchiveName}}' --no-same-owner -C "$program.new"
          mv "$program.new" "$program"
          # Other builds that nobody runs, and nobody has started for a week.
          find "$cache" -maxdepth 1 -name '*.used' -mtime +7 | while IFS= read -r used; do
            flock -n "$used" rm -rf "${used%.used}" || true
          done
        fi
        exec 9>&-
        exec "$program/"'{{program.Replace("'", "'\\''", StringComparison.Ordinal)}}' "$@"

        """;
}
