using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance;

/// <summary>What is judged: the kernel, or an engine that computes the same from tables.</summary>
/// <returns>First the latest columns, then each window's aggregates; one value per spine row.</returns>
public delegate IReadOnlyList<IArrowArray> AsOfCompute(EventTable events, SpineTable spine, AsOfQuery query);

/// <summary>Holds an engine to vectors.</summary>
public static class Judge
{
    /// <summary>What an engine gets wrong in a vector, in words; null: nothing.</summary>
    public static string? Check(ConformanceVector vector, AsOfCompute compute)
    {
        IReadOnlyList<IArrowArray> actual;
        try
        {
            actual = compute(vector.Events, vector.Spine, vector.Query);
        }
        catch (DataException e) when (vector.ErrorMentions is not null)
        {
            return vector.ErrorMentions.FirstOrDefault(m => !e.Message.Contains(m, StringComparison.OrdinalIgnoreCase)) is { } missing
                ? $"the error does not say '{missing}': {e.Message}" : null;
        }
        catch (Exception e) when (vector.ErrorMentions is null)
        {
            return $"it fails: {e}";
        }
        catch (Exception e)
        {
            return $"it fails, but with another exception than {nameof(DataException)}: {e}";
        }
        return vector.ErrorMentions is not null ? $"it gives a result, but must fail and say {string.Join(", ", vector.ErrorMentions)}" : Difference(vector.Expected!, actual);
    }

    /// <summary>The first difference of two results, in words; null: none. Bit for bit, every NaN equal.</summary>
    public static string? Difference(IReadOnlyList<IArrowArray> expected, IReadOnlyList<IArrowArray> actual)
    {
        if (expected.Count != actual.Count)
            return $"got {actual.Count} columns, expected {expected.Count}";
        for (var column = 0; column < expected.Count; column++)
        {
            var (want, got) = (expected[column], actual[column]);
            if (Cells.TypeOf(want) != Cells.TypeOf(got))
                return $"column {column}: got type {Cells.TypeOf(got)}, expected {Cells.TypeOf(want)}";
            if (want.Length != got.Length)
                return $"column {column}: got {got.Length} rows, expected {want.Length}";
            for (var row = 0; row < want.Length; row++)
                if (!Cells.Identical(Cells.At(want, row), Cells.At(got, row)))
                    return $"column {column}, row {row}: got {Show(Cells.At(got, row))}, expected {Show(Cells.At(want, row))}";
        }
        return null;
    }

    static string Show(object? cell) => cell switch
    {
        null => "null",
        double d => FormattableString.Invariant($"{d:R}"),
        string s => $"'{s}'",
        _ => FormattableString.Invariant($"{cell}"),
    };
}
