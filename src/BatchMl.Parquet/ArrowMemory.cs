using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BatchMl.Parquet;

/// <summary>
/// Arrow C++ behind ParquetSharp gets its memory from malloc. Its own choice, mimalloc, is as fast, but keeps what it once had: of a server that has nothing to do any more, 150 MB after a run of the sample job, and ParquetSharp has no
/// call that releases them. Whoever sets ARROW_DEFAULT_MEMORY_POOL decides otherwise.
/// </summary>
static partial class ArrowMemory
{
    // Arrow reads it once, when it first allocates; .NET's own SetEnvironmentVariable does not reach native code.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255:The 'ModuleInitializer' attribute should not be used in libraries", Justification = "It must come before the first use of ParquetSharp, whichever type is first.")]
    internal static void UseMalloc()
    {
        if (OperatingSystem.IsLinux()) _ = SetEnvironment("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
    }

    // setenv(3)
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
