namespace BatchMl.TestSupport;

/// <summary>Files as a bad disk, a cut connection or a careless editor leaves them.</summary>
public static class Corruption
{
    /// <summary>A damaged copy: a flipped bit, a changed byte, a lost or doubled stretch, or an end that is missing.</summary>
    public static byte[] Of(byte[] content, Random random)
    {
        var at = random.Next(content.Length);
        var length = Math.Min(content.Length - at, 1 + random.Next(200));
        byte[] before = content[..at], stretch = content[at..(at + length)], after = content[(at + length)..];
        switch (random.Next(6))
        {
            case 0: return before;
            case 1: return [.. before, .. after];
            case 2: return [.. before, .. stretch, .. stretch, .. after];
            case 3:
                var flipped = content.ToArray();
                flipped[at] ^= (byte)(1 << random.Next(8));
                return flipped;
            // Digits are what texts are made of: they stay well-formed.
            case 4:
                var digits = content.ToArray();
                for (var i = at; i < digits.Length && i < at + 400; i++)
                {
                    if (digits[i] is < (byte)'0' or > (byte)'9') continue;
                    digits[i] = (byte)('0' + random.Next(10));
                    if (random.Next(3) > 0) break;
                }
                return digits;
            default:
                var changed = content.ToArray();
                changed[at] = (byte)random.Next(256);
                return changed;
        }
    }
}
