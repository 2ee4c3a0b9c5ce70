using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace BatchMl.Kernel;

/// <summary>
/// Looking up a block of keys at a time, the memory of all of them asked for before the first is needed: tables of a million keys do not fit a cache, and waiting for one line after the other is what such look-ups
/// cost. Only a hint; nothing depends on it.
/// </summary>
static class Prefetch
{
    /// <summary>Keys in a block: more lines than this are not fetched at once anyway.</summary>
    public const int Block = 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Line<T>(ref T at)
    {
        // The address may be stale by the time it is used, should the array move: a hint to the wrong line is harmless.
        if (Sse.IsSupported) Sse.Prefetch0(Unsafe.AsPointer(ref at));
    }
}
