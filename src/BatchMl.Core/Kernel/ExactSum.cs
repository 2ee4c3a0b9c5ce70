namespace BatchMl.Kernel;

/// <summary>
/// An exact sum of doubles that can also take values away again: the same multiset gives the same bits, whatever the order of additions and removals. NaN and infinities
/// are counted apart.
/// </summary>
public struct ExactSum
{
    /// <summary>Adds a value.</summary>
    public void Add(double value) => throw new NotImplementedException();

    /// <summary>Takes away a value that was added before.</summary>
    public void Remove(double value) => throw new NotImplementedException();

    /// <summary>The sum, rounded once to the nearest double, ties to even; as IEEE has it where NaN or infinities are in it.</summary>
    public readonly double Value => throw new NotImplementedException();
}
