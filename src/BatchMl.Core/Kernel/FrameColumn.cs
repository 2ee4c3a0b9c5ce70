namespace BatchMl.Kernel;

/// <summary>A value column of the key that is being swept, by position, in the form that some aggregates want. Read once per key however many windows use it.</summary>
abstract class FrameColumn
{
    int version = -1;

    /// <summary>Reads the key's values unless that was done.</summary>
    public void Ensure(KeyFrame frame)
    {
        if (version == frame.Version) return;
        Load(frame);
        version = frame.Version;
    }

    protected abstract void Load(KeyFrame frame);

    /// <summary>Makes room without keeping what was there.</summary>
    protected static void Reserve<T>(ref T[] array, int count)
    {
        if (array.Length < count) array = new T[Math.Max(count, array.Length * 2)];
    }
}
