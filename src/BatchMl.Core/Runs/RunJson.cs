using System.Text.Json.Serialization;

namespace BatchMl.Runs;

/// <summary>How a run's request and summary are kept in the catalog. Written by the compiler: a serializer made at run time would take longer than the rest of the start.</summary>
[JsonSerializable(typeof(RunRequest))]
[JsonSerializable(typeof(RunSummary))]
sealed partial class RunJson : JsonSerializerContext;
