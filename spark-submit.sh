#!/usr/bin/env bash
# Runs a job on a Spark cluster: starts a Spark Connect server there through the user's own spark-submit, runs the driver against it, and stops the server.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: spark-submit.sh [OPTIONS] JOB [ARGUMENTS]
       spark-submit.sh --remote sc://HOST:PORT [--ship] JOB [ARGUMENTS]

Runs JOB on Spark. ARGUMENTS are those of the verb 'run': --from DATE, --to DATE, --workspace DIR, --set KEY=VALUE, …
Executors must see the workspace and the data under the driver's paths.

OPTIONS are spark-submit's own and go to it: --master, --conf, --properties-file, --name, --queue, --driver-memory, --driver-cores, --executor-memory, --executor-cores, --num-executors,
--total-executor-cores, --jars, --packages, --exclude-packages, --repositories, --files, --archives, --py-files, --driver-java-options, --driver-class-path, --driver-library-path, --proxy-user,
--principal, --keytab, --verbose. The driver runs here: --deploy-mode client only. Besides:

  --remote sc://…   use this Spark Connect server, and start none
  --ship            send the program to the executors; without it they must find it under this machine's path
  --wait SECONDS    how long the server may take to start; 300 by default
  --server-log FILE keep what the server says
  --help            print this

Environment: SPARK_HOME (a Spark of 3.5 to 4.3; else the spark-submit on the PATH), BATCHML_PROGRAM (the program; by default the newest of what was published and built here, built anew when sources changed).
Exit codes: that of the job (0 done, 1 failed, 2 usage or definition error, 3 more dead letters than allowed); 1 when the server does not start.
USAGE
}

say() { printf 'spark-submit.sh: %s\n' "$*" >&2; }
fail() { local code=$1; shift; say "$*"; exit "$code"; }
alive() { kill -0 "$1" 2>/dev/null; }

# The server works in a folder of its own, so paths of the user's are made absolute. They may have a scheme.
absolute() { if [[ -z $1 || $1 == /* || $1 =~ ^[A-Za-z][A-Za-z0-9+.-]*: ]]; then printf '%s' "$1"; else printf '%s' "$PWD/$1"; fi; }
absolute_list() {
  local rest="$1," result='' comma=''
  while [[ -n $rest ]]; do
    result+=$comma$(absolute "${rest%%,*}")
    rest=${rest#*,} comma=,
  done
  printf '%s' "$result"
}

readonly here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
readonly server_class=org.apache.spark.sql.connect.service.SparkConnectServer
spark_options=() master='' remote='' ship='' limit=300 server_log=''

add_option() {
  local name=$1 value=$2
  case $name in
    --master) master=$value ;;
    --jars | --files | --archives | --py-files) value=$(absolute_list "$value") ;;
    --properties-file) value=$(absolute "$value") ;;
    --deploy-mode)
      [[ $value != cluster ]] || fail 2 "Got --deploy-mode cluster, expected client: Spark does not start a Connect server in cluster mode. Start this on a machine of the cluster, or start a server there and use --remote." ;;
    --conf | -c)
      case $value in
        spark.submit.deployMode=cluster) add_option --deploy-mode cluster ;;
        spark.jars=* | spark.files=* | spark.archives=*) value=${value%%=*}=$(absolute_list "${value#*=}") ;;
        spark.master=*) master=${value#*=} ;;
      esac ;;
  esac
  spark_options+=("$name" "$value")
}

while (($#)); do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --ship) ship=true; shift; continue ;;
    --verbose | -v | --load-spark-defaults) spark_options+=("$1"); shift; continue ;;
    --class | --class=* | --kill | --kill=* | --status | --status=* | --version) fail 2 "The option $1 is of no use here: what is submitted is Spark's Connect server." ;;
    --*=*) name=${1%%=*} value=${1#*=}; shift ;;
    -*)
      name=$1
      (($# > 1)) || fail 2 "The option $1 has no value. See --help."
      value=$2; shift 2 ;;
    *) break ;;
  esac
  case $name in
    --remote) remote=$value ;;
    --server-log) server_log=$(absolute "$value") ;;
    --wait)
      [[ $value =~ ^[1-9][0-9]{0,5}$ ]] || fail 2 "--wait is '$value'; expected a number of seconds, 1 or more."
      limit=$value ;;
    --master | --deploy-mode | --conf | -c | --properties-file | --name | --queue | --driver-memory | --driver-cores | --executor-memory | --executor-cores | --num-executors | --total-executor-cores | --jars | \
      --packages | --exclude-packages | --repositories | --files | --archives | --py-files | --driver-java-options | --driver-class-path | --driver-library-path | --proxy-user | --principal | --keytab)
      add_option "$name" "$value" ;;
    *) fail 2 "'$name' is no option of spark-submit. Options of the job follow its name: spark-submit.sh [OPTIONS] JOB [ARGUMENTS]. See --help." ;;
  esac
done
(($#)) || fail 2 "No job is named: spark-submit.sh [OPTIONS] JOB [ARGUMENTS]. See --help; '${BATCHML_PROGRAM:-dotnet run -c Release --project jobs --} list' lists the jobs."
readonly job=$1
shift
[[ -z $remote || ${#spark_options[@]} -eq 0 ]] || fail 2 "Got --remote and ${spark_options[0]}: a server that runs already takes no options. Leave one of them out; confs of the session are set by --set Spark:Confs:KEY=VALUE after the job."

# What executors and driver run: the newest of what was published and built, built anew when sources are newer. README's 'dotnet run' builds the same.
newest_program() {
  local candidate newest=''
  for candidate in "$here/BatchMl.Jobs" "$here"/artifacts/publish/BatchMl.Jobs/release*/BatchMl.Jobs "$here"/artifacts/bin/BatchMl.Jobs/release/BatchMl.Jobs; do
    if [[ -x $candidate && -f $candidate.dll && ( -z $newest || $candidate.dll -nt $newest.dll ) ]]; then newest=$candidate; fi
  done
  printf '%s' "$newest"
}

# A copied file keeps its time, so the newest file beside the program is as new as what it was made of.
sources_are_newer() {
  local folder newest
  [[ -d $here/jobs ]] || return 1
  folder=$(dirname "$1")
  newest=$(ls -t "$folder" | head -n 1)
  [[ -n $(find "$here/jobs" "$here/src" -type f \( -name '*.cs' -o -name '*.csproj' -o -name '*.proto' -o -name 'appsettings*.json' \) -newer "$folder/$newest" -print -quit) ]]
}

program=${BATCHML_PROGRAM:-}
if [[ -z $program ]]; then
  program=$(newest_program)
  if [[ -z $program ]] || sources_are_newer "$program"; then
    if command -v dotnet >/dev/null && [[ -d $here/jobs ]]; then
      say "Building the program …"
      (cd "$here" && dotnet build -c Release jobs --nologo -v q) >&2 || fail 1 "The program can not be built; the errors are above."
      program=$here/artifacts/bin/BatchMl.Jobs/release/BatchMl.Jobs
    elif [[ -z $program ]]; then
      fail 1 "There is no program in $here/artifacts and no .NET SDK to build it. Install the .NET 10 SDK, or copy a published program beside this script (dotnet publish jobs), or name one in BATCHML_PROGRAM."
    else
      say "Sources are newer than $program, and there is no .NET SDK to build them: the program is used as it is."
    fi
  fi
fi
[[ -x $program ]] || fail 1 "The program $program is not there or not executable."
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")

# ---- signals: driver and server are in process groups of their own, so that a Ctrl-C reaches the driver once, through here, and the server not at all.
driver='' guard='' scratch='' starting='' pending='' signalled=''
# Between the start of a process and the line that knows its number a signal waits.
on_signal() {
  pending=$1
  [[ -n $starting ]] || heed
}
heed() {
  local signal=$pending
  starting='' pending=''
  [[ -n $signal ]] || return 0
  [[ -n $driver ]] || exit $((128 + $(kill -l "$signal")))
  signalled=true
  kill "-$signal" "$driver" 2>/dev/null || true
}
finish() {
  trap '' INT TERM HUP
  if [[ -n $guard ]]; then
    exec 3>&-
    wait "$guard" || true
  elif [[ -n $scratch ]]; then rm -rf "$scratch"
  fi
}
trap 'on_signal INT' INT
trap 'on_signal TERM' TERM HUP
trap finish EXIT

# Holds on to the other end of a pipe of this script's. However the script ends, by kill -9 too, the pipe closes, and the server is stopped; when the server dies first, the driver is told to end.
guard() {
  local server=$1 scratch=$2 log=$3 driver='' line i
  trap '' INT TERM HUP PIPE
  set +e
  while :; do
    if IFS= read -r -t 1 line; then driver=$line
    elif (($? <= 128)); then break
    fi
    if [[ -n $driver ]] && ! alive "$server"; then
      say "The Spark server ended. The last it said:"
      tail -n 30 "$log" >&2
      kill -TERM "$driver" 2>/dev/null
      break
    fi
  done
  kill -TERM "$server" 2>/dev/null
  for ((i = 0; i < 100; i++)); do
    alive "$server" || break
    sleep 0.1
  done
  # Its children too: executors of a local cluster, workers.
  kill -KILL -- "-$server" 2>/dev/null
  rm -rf "$scratch"
}

start_server() {
  local submit version
  if [[ -n ${SPARK_HOME:-} ]]; then submit=$SPARK_HOME/bin/spark-submit; else submit=$(command -v spark-submit || true); fi
  [[ -n $submit ]] || fail 1 "SPARK_HOME is not set and there is no spark-submit on the PATH. Unpack Apache Spark 3.5 to 4.3 (https://spark.apache.org/downloads.html; it needs Java 17) and set SPARK_HOME to its folder, or name a running Spark Connect server: --remote sc://HOST:15002."
  [[ -x $submit ]] || fail 1 "There is no $submit. Expected SPARK_HOME to be the folder of an Apache Spark 3.5 to 4.3, with bin/spark-submit; or name a running Spark Connect server: --remote sc://HOST:15002."
  submit=$(cd "$(dirname "$submit")" && pwd)/$(basename "$submit")

  local token
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/batchml-spark.XXXXXXXX")
  mkdir "$scratch/tmp" "$scratch/work"
  local log=${server_log:-$scratch/server.log}
  : >"$log" || exit 1
  # Whoever can reach the port could run code under this user's name, so the server asks for a secret; Spark 3.5 can not.
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  cat >"$scratch/log4j2.properties" <<'LOG'
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
# Names the port.
logger.connect.name = org.apache.spark.sql.connect.service.SparkConnectServer
logger.connect.level = info
LOG
  # First what the user's options may say otherwise, last what they may not.
  local options=(--class "$server_class" --name "batchml $job" --conf spark.connect.grpc.binding.port=0)
  if [[ $master == local* ]]; then options+=(--conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1); fi
  options+=("${spark_options[@]}" --conf spark.connect.grpc.binding.address=127.0.0.1)

  starting=true
  set -m
  (
    cd "$scratch/work"
    export SPARK_CONNECT_AUTHENTICATE_TOKEN=$token JDK_JAVA_OPTIONS="-Djava.io.tmpdir=\"$scratch/tmp\" -Dlog4j2.configurationFile=\"file:$scratch/log4j2.properties\" ${JDK_JAVA_OPTIONS:-}"
    exec "$submit" "${options[@]}" spark-internal
  ) >>"$log" 2>&1 </dev/null &
  local server=$!
  set +m
  exec 3> >(guard "$server" "$scratch" "$log" >/dev/null)
  guard=$!
  heed

  local line part='' port='' i
  exec 4<"$log"
  for ((i = 0; i < limit * 10; i++)); do
    while IFS= read -r line <&4; do
      line=$part$line part=''
      if [[ $line =~ 'Spark Connect server started at:'.*:([0-9]+)[[:space:]]*$ ]]; then port=${BASH_REMATCH[1]}
      elif [[ $line =~ ERROR|FATAL|Error:|Exception ]]; then printf 'spark: %s\n' "$line" >&2
      fi
    done
    # The beginning of a line that is being written.
    part+=$line
    if [[ -n $port ]] || ! alive "$server"; then break; fi
    sleep 0.1
  done
  exec 4<&-
  if [[ -n $port ]]; then
    export BATCHML_Spark__Remote="sc://127.0.0.1:$port/;token=$token"
    return
  fi
  if grep -Eq "(ClassNotFoundException|load class|load main class).*SparkConnectServer" "$log"; then
    version=$(basename "$(ls "$(dirname "$submit")"/../jars/spark-core_*.jar 2>/dev/null | head -n 1)" .jar)
    version=${version#spark-core_}
    fail 1 "This Spark comes without its Connect server. Add it: --packages org.apache.spark:spark-connect_${version%%-*}:${version#*-}"
  fi
  if alive "$server"; then say "The Spark server did not say its port within $limit s (--wait). The last it said:"
  else say "The Spark server did not start. The last it said:"
  fi
  tail -n 30 "$log" >&2
  exit 1
}

if [[ -n $remote ]]; then export BATCHML_Spark__Remote=$remote; else start_server; fi
if [[ -n $ship ]]; then export BATCHML_Spark__Ship=true; fi

starting=true
set -m
"$program" run "$job" --engine spark "$@" </dev/null 3>&- &
driver=$!
set +m
heed
if [[ -n $guard ]]; then printf '%s\n' "$driver" >&3; fi
code=0
while :; do
  signalled=''
  wait "$driver" && code=0 || code=$?
  # A signal ends the waiting, not the driver.
  [[ -n $signalled ]] || break
done
exit "$code"
