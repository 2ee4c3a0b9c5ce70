using System.Security.Cryptography;

namespace BatchMl.Data;

/// <summary>Reads files whose digests the ledger or a manifest knows.</summary>
public static class CommittedFile
{
    /// <summary>A published file, whole, if it is the one that was committed; for profiles, reports and the like.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="file">What was committed.</param>
    /// <exception cref="DataException">It is missing, unreadable, or has other bytes.</exception>
    public static byte[] Read(string path, StagedFile file)
    {
        byte[] content;
        try
        {
            content = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} can not be read: {e.Message} Restore the file, or make the partition again (replay).", e);
        }
        var digest = Convert.ToHexStringLower(SHA256.HashData(content));
        return digest == file.Sha256 ? content
            : throw new DataException($"{path} has {content.Length} bytes of SHA-256 {digest}; expected {file.Bytes} of {file.Sha256}, as it was committed. Restore the file, or make the partition again (replay).");
    }
}
