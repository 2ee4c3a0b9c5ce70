using BatchMl.Hosting;
using BatchMl.Server;
using Churn;

return await BatchMlApplication.Create(ChurnJobs.All).WithServer().RunAsync(args);
