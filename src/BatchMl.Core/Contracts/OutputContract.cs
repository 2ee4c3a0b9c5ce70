using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Runs;

namespace BatchMl.Contracts;

/// <summary>
/// What the readers of a dataset may rely on, as a file that is committed beside the job's code: <c>CONTRACTS/DATASET.json</c>. A job whose output breaks its contract is neither planned nor run, until somebody accepts the change by writing the contract anew.
/// </summary>
/// <param name="FormatVersion">1.</param>
/// <param name="Dataset">E.g. <c>churn/score</c>; of a dataset that is kept by model version, one contract for all versions.</param>
/// <param name="SemanticsVersion">The job's <see cref="DatasetJob.SemanticsVersion"/>: the same columns may mean something else.</param>
/// <param name="PartitionColumn">By what it is partitioned.</param>
/// <param name="Keys">The columns that say which row it is.</param>
/// <param name="Columns">The columns. Readers read by name, so that their order is not part of it.</param>
public sealed record OutputContract(int FormatVersion, string Dataset, int SemanticsVersion, string PartitionColumn, IReadOnlyList<string> Keys, IReadOnlyList<ContractColumn> Columns)
{
    const int Format = 1;

    static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        // A member that is misspelt would be a promise that nobody holds.
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>The contract that a job's output is now.</summary>
    public static OutputContract Of(DatasetJob job, JobOutput output) => new(
        Format, job.Name, job.SemanticsVersion, output.PartitionColumn, output.Keys, [.. output.Schema.FieldsList.Select(f => new ContractColumn(f.Name, LineageTypes.Text(f.DataType), f.IsNullable))]);

    /// <summary>Where a job's contract is.</summary>
    /// <param name="folder">Folder of the contracts.</param>
    /// <param name="job">The job.</param>
    public static string PathOf(string folder, DatasetJob job) => Path.Combine(folder, job.Name + ".json");

    /// <summary>Reads a job's contract; null: there is none.</summary>
    /// <exception cref="DefinitionException">The file is not the contract of this job.</exception>
    public static OutputContract? Read(string folder, DatasetJob job)
    {
        var path = PathOf(folder, job);
        try
        {
            if (!File.Exists(path)) return null;
            var contract = JsonSerializer.Deserialize<OutputContract>(File.ReadAllBytes(path), json) ?? throw new JsonException("it is null");
            return contract.Problem(job) is { } problem ? throw new JsonException(problem) : contract;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new DefinitionException($"{path} can not be read as the contract of {job.Name}: {e.Message.TrimEnd('.')}. Restore the file, or write it anew with 'contract {job.Name} --accept'.");
        }
    }

    string? Problem(DatasetJob job)
    {
        if (FormatVersion != Format) return $"formatVersion is {FormatVersion}; expected {Format}";
        if (Dataset != job.Name) return $"its dataset is '{Dataset}'";
        if (Columns.GroupBy(c => c.Name).FirstOrDefault(g => g.Count() > 1) is { } twice) return $"it has the column '{twice.Key}' {twice.Count()} times";
        return null;
    }

    /// <summary>Writes a job's contract in place of the one before; returns its path.</summary>
    public string Write(string folder, DatasetJob job)
    {
        var path = PathOf(folder, job);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        DurableFiles.AtomicReplace(path, [.. ToJson(), (byte)'\n'], "new");
        return path;
    }

    /// <summary>As the file has it.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, json);

    /// <summary>What readers of this contract would meet if the output were as another one says.</summary>
    public ContractChanges To(OutputContract now)
    {
        var (breaking, compatible) = (new List<string>(), new List<string>());
        var after = now.Columns.ToDictionary(c => c.Name, StringComparer.Ordinal);
        var before = Columns.ToDictionary(c => c.Name, StringComparer.Ordinal);
        if (now.SemanticsVersion != SemanticsVersion) breaking.Add($"the semantics version was {SemanticsVersion} and is {now.SemanticsVersion}: the same columns mean something else");
        if (now.PartitionColumn != PartitionColumn) breaking.Add($"it was partitioned by {PartitionColumn} and is by {now.PartitionColumn}");
        if (!now.Keys.ToHashSet().SetEquals(Keys)) breaking.Add($"its keys were {string.Join(", ", Keys)} and are {string.Join(", ", now.Keys)}");
        foreach (var column in Columns)
        {
            if (!after.TryGetValue(column.Name, out var found)) breaking.Add($"column {column.Name} ({column.Type}) is gone, or has another name");
            else
            {
                if (found.Type != column.Type) breaking.Add($"column {column.Name} was {column.Type} and is {found.Type}");
                if (found.Nullable && !column.Nullable) breaking.Add($"column {column.Name} was never null and may be now");
                if (!found.Nullable && column.Nullable) compatible.Add($"column {column.Name} is never null any more");
            }
        }
        compatible.AddRange(now.Columns.Where(c => !before.ContainsKey(c.Name)).Select(c => $"column {c.Name} ({c.Type}) is new"));
        return new(breaking, compatible);
    }

    /// <summary>Holds a job's output against its contract, if it has one, and says what there is to say of it.</summary>
    /// <exception cref="DefinitionException">The output breaks its contract: names every difference.</exception>
    public static async Task<IReadOnlyList<string>> CheckAsync(DatasetJob job, JobEnvironment environment, RunRequest request, CancellationToken cancel)
    {
        if (environment.Contracts is not { } folder || Read(folder, job) is not { } contract) return ["no contract"];
        if (await job.OutputAsync(environment, request, cancel) is not { } output) return [$"{PathOf(folder, job)}: not held against it yet, since what makes its columns is not there"];
        var changes = contract.To(Of(job, output));
        if (changes.Breaking.Count > 0)
        {
            throw new DefinitionException([
                $"The output of job '{job.Name}' breaks its contract {PathOf(folder, job)}:", .. changes.Breaking.Select(b => $"  - {b}"),
                $"Put the definitions back; or tell the readers, accept the change with 'contract {job.Name} --accept', and commit the file.",
            ]);
        }
        return [$"{PathOf(folder, job)}: {(changes.Compatible.Count == 0 ? "kept" : "kept, and not in it yet:")}", .. changes.Compatible];
    }
}

/// <summary>A column of a contract.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">As plans write types, e.g. <c>date32</c>.</param>
/// <param name="Nullable">Whether it may be null.</param>
public sealed record ContractColumn(string Name, string Type, bool Nullable);

/// <summary>How an output differs from its contract.</summary>
/// <param name="Breaking">What readers can not read as before.</param>
/// <param name="Compatible">What they need not notice.</param>
public sealed record ContractChanges(IReadOnlyList<string> Breaking, IReadOnlyList<string> Compatible);
