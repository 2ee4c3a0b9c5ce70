using System.Runtime.InteropServices;

namespace BatchMl.LightGbm;

/// <summary>The part of LightGBM's C API that we use (https://lightgbm.readthedocs.io/en/latest/C-API.html).</summary>
static unsafe partial class NativeMethods
{
    const string Library = "lib_lightgbm";

    public const int Float32 = 0, Float64 = 1;
    public const int PredictNormal = 0, PredictRaw = 1, PredictContributions = 3;

    [LibraryImport(Library)]
    public static partial nint LGBM_GetLastError();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_DatasetCreateFromMat(void* data, int dataType, int rows, int columns, int isRowMajor, string parameters, nint reference, out nint dataset);

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
    public static partial int LGBM_BoosterGetEval(nint booster, int dataIndex, out int count, double* results);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterSaveModelToString(nint booster, int startIteration, int iterations, int importanceType, long capacity, out long length, byte* text);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterLoadModelFromString(byte* text, out int iterations, out nint booster);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterGetNumFeature(nint booster, out int count);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterGetNumClasses(nint booster, out int count);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_BoosterPredictForMat(
        nint booster, void* data, int dataType, int rows, int columns, int isRowMajor, int predictType, int startIteration, int iterations, string parameters,
        out long length, double* results);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterFree(nint booster);

    /// <summary>Throws what the native library says.</summary>
    public static void Check(int result, string doing)
    {
        if (result != 0) throw new BatchMlException($"LightGBM failed while {doing}: {Marshal.PtrToStringUTF8(LGBM_GetLastError())}");
    }

    // Threads that wait must not spin: on a machine with other work, spinning at every barrier made training forty times slower (95 s instead of 2.4 s at a load of 12 on two
    // cores). The OpenMP runtime reads this when it is loaded, from the process's own environment, which .NET's does not reach. What a user has set stays.
    static NativeMethods()
    {
        if (!OperatingSystem.IsWindows()) SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    /// <summary>Loads the library, or says what is missing on this machine.</summary>
    public static void EnsureLoaded()
    {
        try
        {
            LGBM_GetLastError();
        }
        catch (DllNotFoundException e)
        {
            throw new BatchMlException($"LightGBM's native library can not be loaded: {e.Message.Split('\n')[0]} It needs the OpenMP runtime: on Debian and Ubuntu 'apt-get install libgomp1'.", FailureKind.Permanent, e);
        }
    }
}
