using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BatchMl.Scoring;

/// <summary>A model package on disk, read and checked.</summary>
public sealed class ModelPackage
{
    const int Format = 1;
    const string ManifestName = "manifest.json";
    const string EncoderName = "encoder.json";

    static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    readonly byte[] weightsDigest;

    ModelPackage(ModelManifest manifest, Encoder encoder, string weightsPath, byte[] weightsDigest) => (Manifest, Encoder, WeightsPath, this.weightsDigest) = (manifest, encoder, weightsPath, weightsDigest);

    /// <summary>Its manifest.</summary>
    public ModelManifest Manifest { get; }

    /// <summary>The fitted encoder.</summary>
    public Encoder Encoder { get; }

    /// <summary>Absolute path of the weights.</summary>
    public string WeightsPath { get; }

    /// <summary>The weights for a scorer: exactly the bytes that were checked when the package was opened, so that native code never sees others.</summary>
    /// <exception cref="DataException">The file was changed or removed since.</exception>
    public byte[] ReadWeights()
    {
        var bytes = Read(Path.GetDirectoryName(WeightsPath)!, Manifest.Weights);
        return SHA256.HashData(bytes).AsSpan().SequenceEqual(weightsDigest) ? bytes
            : throw new DataException($"{WeightsPath} was changed since the model package was opened. Restore the package or train the model again.");
    }

    /// <summary>Opens a package and checks that its files have the digest that its manifest says.</summary>
    /// <exception cref="DataException">Missing or changed files, a manifest of another format version, or a signature that does not match the encoder.</exception>
    public static ModelPackage Open(string folder)
    {
        folder = Path.GetFullPath(folder);
        var manifest = ReadManifest(folder);
        var encoderBytes = Read(folder, EncoderName);
        if (manifest.Weights != Path.GetFileName(manifest.Weights) || manifest.Weights.Length == 0)
            throw new DataException($"{Path.Combine(folder, ManifestName)} names the weights '{manifest.Weights}'; expected the plain name of a file in the package. Restore the package or train the model again.");
        var weights = Path.Combine(folder, manifest.Weights);
        var weightsDigest = HashOf(weights);
        var digest = DigestOf(encoderBytes, weightsDigest, manifest.Signature);
        if (digest != manifest.Digest)
            throw new DataException(
                $"The model package {folder} has digest {digest}, but its manifest says {manifest.Digest}: the encoder, the weights ({manifest.Weights}) or the signature were changed after it was written. "
                + "Restore the package or train the model again.");
        var encoder = Encoder.FromJson(encoderBytes);
        if (SignatureProblem(manifest.Signature, encoder) is { } problem) throw new DataException($"The model package {folder} does not fit together: {problem}");
        return new(manifest, encoder, weights, weightsDigest);
    }

    /// <summary>
    /// Writes <c>manifest.json</c> and <c>encoder.json</c> into a folder that already holds the weights, with the digest computed. Byte for byte the same for the same inputs.
    /// </summary>
    /// <returns>The manifest as written: <paramref name="manifest"/> with format version and digest set.</returns>
    /// <exception cref="DataException">The weights are missing, or the signature's inputs are not the encoder's outputs.</exception>
    public static ModelManifest Write(string folder, ModelManifest manifest, Encoder encoder)
    {
        if (SignatureProblem(manifest.Signature, encoder) is { } problem) throw new DataException($"The model {manifest.Name}@{manifest.Version} does not fit together: {problem}");
        var encoderBytes = encoder.ToJson();
        var written = manifest with
        {
            FormatVersion = Format,
            Digest = DigestOf(encoderBytes, HashOf(Path.Combine(folder, manifest.Weights)), manifest.Signature),
            // Sorted, so that the order in which metrics were computed does not show.
            Metrics = new SortedDictionary<string, double>(manifest.Metrics.ToDictionary(), StringComparer.Ordinal),
        };
        File.WriteAllBytes(Path.Combine(folder, EncoderName), encoderBytes);
        File.WriteAllBytes(Path.Combine(folder, ManifestName), [.. JsonSerializer.SerializeToUtf8Bytes(written, Json), (byte)'\n']);
        return written;
    }

    /// <summary>What is wrong between a signature and the encoder that feeds it; null: nothing.</summary>
    internal static string? SignatureProblem(ModelSignature signature, Encoder encoder)
    {
        var (expected, got) = (signature.Inputs, encoder.Outputs);
        for (var i = 0; i < Math.Max(expected.Count, got.Count); i++)
        {
            if (i < expected.Count && i < got.Count && expected[i] == got[i]) continue;
            return $"model input {i} is {(i < expected.Count ? $"{expected[i].Name} ({expected[i].Type})" : "absent")}, "
                + $"but the encoder gives {(i < got.Count ? $"{got[i].Name} ({got[i].Type})" : "nothing")} there. Train the model with this encoder.";
        }
        return null;
    }

    static ModelManifest ReadManifest(string folder)
    {
        var bytes = Read(folder, ManifestName);
        try
        {
            using var document = JsonDocument.Parse(bytes);
            // Looked at first: a newer format may lack what this version requires.
            if (document.RootElement.GetProperty("format_version").GetInt32() is var version && version != Format)
                throw new DataException($"{Path.Combine(folder, ManifestName)} has format version {version}; this version reads {Format}. Use the version of BatchMl that made the model, or train it again.");
            return document.Deserialize<ModelManifest>(Json) ?? throw new JsonException("The manifest is null.");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new DataException($"{Path.Combine(folder, ManifestName)} is not a model manifest: {e.Message} Restore the package or train the model again.", e);
        }
    }

    static byte[] Read(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"{path} is missing: a model package is a folder with {ManifestName}, {EncoderName} and the weights. Check the model's name and version, or train it.", e);
        }
    }

    static byte[] HashOf(string weights)
    {
        try
        {
            using var stream = File.OpenRead(weights);
            return SHA256.HashData(stream);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"The weights {weights} are missing from the model package. Restore the package or train the model again.", e);
        }
    }

    static string DigestOf(byte[] encoder, byte[] weights, ModelSignature signature)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        all.AppendData(SHA256.HashData(encoder));
        all.AppendData(weights);
        all.AppendData(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(signature, Json)));
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }
}
