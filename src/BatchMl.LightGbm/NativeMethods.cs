using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BatchMl.LightGbm;

/// <summary>The part of LightGBM's C API that we use (https://lightgbm.readthedocs.io/en/latest/C-API.html).</summary>
static unsafe partial class NativeMethods
{
    const string Library = "lib_lightgbm";

    public const int Float32 = 0, Float64 = 1;
    public const int PredictNormal = 0, PredictRaw = 1, PredictContributions = 3;

    // LightGBM prints to standard output, which belongs to the program; its errors come back as exceptions anyway. The callback is kept per thread.
    [ThreadStatic] static bool isSilent;

    // Threads that wait must not spin: on a machine with other work, spinning at every barrier made training fourteen times slower (95 s instead of 7 s at a load of 12 on two
    // cores). The OpenMP runtime reads this when it is loaded, from the process's own environment, which .NET's does not reach. What a user has set stays.
    static NativeMethods()
    {
        if (!OperatingSystem.IsWindows()) SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport(Library)]
    public static partial nint LGBM_GetLastError();

    [LibraryImport(Library)]
    public static partial int LGBM_RegisterLogCallback(delegate* unmanaged[Cdecl]<byte*, void> callback);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_DatasetCreateFromArrowStream(void* stream, string parameters, nint reference, out nint dataset);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_DatasetSetField(nint dataset, string field, void* data, int count, int dataType);

    [LibraryImport(Library)]
    public static partial int LGBM_DatasetSetFeatureNames(nint dataset, nint* names, int count);

    [LibraryImport(Library)]
    public static partial int LGBM_DatasetFree(nint dataset);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_BoosterCreate(nint train, string parameters, out nint booster);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterAddValidData(nint booster, nint validation);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterUpdateOneIter(nint booster, out int isFinished);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterGetPredict(nint booster, int dataIndex, out long length, double* results);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterSaveModelToString(nint booster, int startIteration, int iterations, int importanceType, long capacity, out long length, byte* text);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterLoadModelFromString(byte* text, out int iterations, out nint booster);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_BoosterPredictForMat(
        nint booster, void* data, int dataType, int rows, int columns, int isRowMajor, int predictType, int startIteration, int iterations, string parameters,
        out long length, double* results);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterFree(nint booster);

    /// <summary>Throws what the native library says.</summary>
    /// <exception cref="InsufficientMemoryException">It could not get memory: fewer rows may fit.</exception>
    public static void Check(int result, string doing)
    {
        if (result == 0) return;
        var said = Marshal.PtrToStringUTF8(LGBM_GetLastError()) ?? "";
        // The name of C++'s exception is all that comes through.
        if (said.Contains("bad_alloc", StringComparison.Ordinal)) throw new InsufficientMemoryException($"LightGBM needs more memory for {doing} than there is ({said}).");
        throw new BatchMlException($"LightGBM failed while {doing}: {said}");
    }

    /// <summary>Loads the library and makes it silent on this thread, or says what is missing on this machine.</summary>
    public static void EnsureLoaded()
    {
        if (isSilent) return;
        try
        {
            Check(LGBM_RegisterLogCallback(&Ignore), "starting");
            isSilent = true;
        }
        catch (DllNotFoundException e)
        {
            // The loader tells every name it tried; the line that says why is what helps.
            var reason = e.Message.Split('\n').FirstOrDefault(line => line.Contains("libgomp", StringComparison.Ordinal)) ?? e.Message.Split('\n')[0];
            throw new BatchMlException(
                $"LightGBM's native library can not be loaded: {reason.Trim().TrimEnd('.')}. It needs the OpenMP runtime libgomp.so.1; install it, on Debian and Ubuntu with 'apt-get install libgomp1'.",
                FailureKind.Permanent, e);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void Ignore(byte* message)
    {
    }
}
