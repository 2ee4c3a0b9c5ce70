using System.Text.Json.Nodes;

namespace BatchMl.Scoring;

/// <summary>A row that could not be scored, kept with its reason. One line of a dead-letter file.</summary>
/// <param name="Row">Ordinal of the row within its partition's spine, 0-based.</param>
/// <param name="Stage"><c>spine</c>, <c>features</c>, <c>encode</c> or <c>score</c>.</param>
/// <param name="Reason">What went wrong.</param>
/// <param name="Values">The row's columns as far as they were known.</param>
/// <param name="Model">Name and version of the model, <c>name@version</c>.</param>
/// <param name="ModelDigest">The model's digest.</param>
public sealed record DeadLetter(long Row, string Stage, string Reason, JsonObject Values, string Model, string ModelDigest);
