using BatchMl.Hosting;
using BatchMl.Jobs.FlightDelays;
using BatchMl.Server;

return await BatchMlApplication.Create(FlightDelays.Jobs).WithServer().RunAsync(args);
