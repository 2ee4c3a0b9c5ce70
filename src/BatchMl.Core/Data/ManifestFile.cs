using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BatchMl.Data;

/// <summary>
/// A partition's <c>_manifest.json</c>: <see cref="PartitionManifest"/> as indented JSON, camelCase names, enums by name, instants in ISO 8601. Unknown
/// members are ignored, so that later versions may add some; a change of meaning raises <c>formatVersion</c>, and an older reader refuses it. <c>digest</c> is SHA-256 of all
/// other members as compact JSON, whoever wrote them, so that a damaged file is not believed; a file without one is.
/// </summary>
public static class ManifestFile
{
    /// <summary>The file's name within a partition's folder.</summary>
    public const string Name = "_manifest.json";

    /// <summary>The format version that is written, and the greatest that is read.</summary>
    public const int FormatVersion = 1;

    static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Makes a manifest the visible one of its folder, by one rename, durably.</summary>
    /// <exception cref="IOException">The disk is full or failed; the manifest before it is still visible.</exception>
    public static void Replace(string folder, PartitionManifest manifest) => DurableFiles.AtomicReplace(
        Path.Combine(folder, Name), JsonSerializer.SerializeToUtf8Bytes(manifest with { Digest = DigestOf(manifest) }, json), manifest.Partition.Fence.ToString(CultureInfo.InvariantCulture));

    static string DigestOf(PartitionManifest manifest) => DigestOf(JsonSerializer.SerializeToElement(manifest with { Digest = null }, json));

    static string DigestOf(JsonElement manifest)
    {
        using var content = new MemoryStream();
        using (var writer = new Utf8JsonWriter(content))
        {
            writer.WriteStartObject();
            foreach (var member in manifest.EnumerateObject().Where(m => m.Name != "digest")) member.WriteTo(writer);
            writer.WriteEndObject();
        }
        return Convert.ToHexStringLower(SHA256.HashData(content.GetBuffer().AsSpan(0, (int)content.Length)));
    }

    /// <summary>The visible manifest of a folder; null if there is none.</summary>
    /// <exception cref="DataException">It is corrupt or of a newer format.</exception>
    public static PartitionManifest? Read(string folder)
    {
        var path = Path.Combine(folder, Name);
        byte[] content;
        try
        {
            content = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        try
        {
            string computed;
            using (var document = JsonDocument.Parse(content))
            {
                var version = document.RootElement.GetProperty("formatVersion").GetInt32();
                if (version is < 1 or > FormatVersion)
                    throw new DataException($"{path} has format version {version}; expected {FormatVersion} or less. Read it with the version of BatchMl that wrote it, or a newer one.");
                computed = DigestOf(document.RootElement);
            }
            var manifest = JsonSerializer.Deserialize<PartitionManifest>(content, json)!;
            if (manifest.Partition.Files.FirstOrDefault(f => Path.GetFileName(f.Name) != f.Name || f.Name.Length == 0) is { } outside)
                throw Corrupt(path, $"'{outside.Name}' is not a file name");
            if (manifest.Digest is { } digest && digest != computed) throw Corrupt(path, "it was changed after it was written");
            // The digest is of the file; a manifest is equal to what was published.
            return manifest with { Digest = null };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw Corrupt(path, e.Message, e);
        }
    }

    static DataException Corrupt(string path, string why, Exception? inner = null) =>
        new($"{path} is not a partition's manifest: {why}. Expected JSON with formatVersion {FormatVersion}. Restore the file, or make the partition again.", inner);
}
