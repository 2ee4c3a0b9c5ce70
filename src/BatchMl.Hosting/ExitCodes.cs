namespace BatchMl.Hosting;

/// <summary>What a process tells its caller.</summary>
public static class ExitCodes
{
    /// <summary>All was done, or nothing was to do.</summary>
    public const int Done = 0;
    /// <summary>Something failed.</summary>
    public const int Failed = 1;
    /// <summary>The command line, a definition or the configuration is wrong.</summary>
    public const int Usage = 2;
    /// <summary>There were more dead letters than allowed.</summary>
    public const int DeadLetters = 3;
}
