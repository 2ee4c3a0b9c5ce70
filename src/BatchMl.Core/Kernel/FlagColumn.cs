using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>Conditions by position: 1 where met, else 0; and 1 where not null, else 0.</summary>
sealed class FlagColumn(BooleanArray values) : FrameColumn
{
    byte[] met = [], known = [];

    public byte[] Met => met;

    public byte[] Known => known;

    protected override void Load(KeyFrame frame)
    {
        Reserve(ref met, frame.Count);
        Reserve(ref known, frame.Count);
        var rows = frame.Rows;
        for (var i = 0; i < rows.Length; i++)
        {
            var flag = values.GetValue(rows[i]);
            met[i] = flag == true ? (byte)1 : (byte)0;
            known[i] = flag.HasValue ? (byte)1 : (byte)0;
        }
    }
}
