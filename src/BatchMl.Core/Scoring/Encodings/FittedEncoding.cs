using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>One feature's encoding with all that was learnt from training rows. Immutable.</summary>
abstract class FittedEncoding(string feature, ColumnType type)
{
    /// <summary>The feature.</summary>
    internal string Feature { get; } = feature;

    /// <summary>The type it was fitted on.</summary>
    internal ColumnType Type { get; } = type;

    /// <summary>The model inputs it gives.</summary>
    internal abstract IReadOnlyList<ModelColumn> Outputs { get; }

    /// <summary>Adds one array per output, each with fresh memory at offset 0, and returns how many values the fit did not know.</summary>
    /// <param name="column">Of the canonical Arrow type of <see cref="Type"/>; may be a slice.</param>
    /// <param name="outputs">Where the arrays go.</param>
    internal abstract long Encode(IArrowArray column, List<IArrowArray> outputs);

    /// <summary>Its name in JSON.</summary>
    internal abstract string Kind { get; }

    /// <summary>Writes what only this kind has, as properties.</summary>
    internal abstract void Write(Utf8JsonWriter json);
}
