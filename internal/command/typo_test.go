package command

import (
	"strings"
	"testing"
)

func TestAMisspeltVariableOfABackendThatNothingElseConfiguresIsAMistake(t *testing.T) {
	status, stdout, stderr := mooring(t, append(start(t, "redis").Env, "MONGO_DATABSE=hunter2-and-more"), "doctor")
	if status != statusWrong || stderr != "" {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
	expect(t, stdout, `BACKEND  STATUS  RESOLVE  CONNECT  AUTHENTICATE  CHECK  IN USE  ADDRESS  DATABASE  USER  READ
mysql  skip  -  -  -  -  -  -  -  -  nothing: no variable is set
mongo  fail  -  -  -  -  -  -  -  -  nothing, not MONGO_DATABSE
redis  pass  1ms  1ms  1ms  1ms  0 of 10  HOST  0  app  REDIS_URL
pubsub  skip  -  -  -  -  -  -  -  -  nothing: no variable is set

mongo: config at configure:
  MONGO_URI is not set
  MONGO_DATABSE is not read; did you mean MONGO_DATABASE?
  -> `+adviceOnNames+"\n")

	status, stdout, _ = mooring(t, []string{"MYSLQ_URL=mysql://hunter2-and-more"}, "doctor")
	if status != statusWrong || !strings.Contains(stdout, "MYSLQ_URL is not read; did you mean MYSQL_URL?") {
		t.Errorf("it exits with %d after\n%s", status, stdout)
	}
}

func TestAMisspeltVariableBesideWhatIsWellIsAWarning(t *testing.T) {
	status, stdout, _ := mooring(t, append(start(t, "redis").Env, "REDIS_READ_TIMOUT=5s"), "doctor", "redis")
	if status != statusWell {
		t.Errorf("it exits with %d", status)
	}
	expect(t, stdout, `BACKEND  STATUS  RESOLVE  CONNECT  AUTHENTICATE  CHECK  IN USE  ADDRESS  DATABASE  USER  READ
redis  warn  1ms  1ms  1ms  1ms  0 of 10  HOST  0  app  REDIS_URL, not REDIS_READ_TIMOUT

redis: misspelt:
  REDIS_READ_TIMOUT is not read; did you mean REDIS_READ_TIMEOUT?
  -> `+adviceOnNames+"\n")
}

func TestWhatAnotherInstanceReadsIsNotMisspelt(t *testing.T) {
	_, stdout, _ := mooring(t, []string{"MYSQL_REPORTS_URL=mysql://[::1]:1/x"}, "doctor", "mysql-report", "mysql-reports")
	if !strings.Contains(stdout, "MYSQL_REPORTS_URL") || strings.Contains(stdout, "did you mean") {
		t.Errorf("got\n%s", stdout)
	}
	_, stdout, _ = mooring(t, []string{"MYSQL_REPORTS_URL=mysql://[::1]:1/x"}, "doctor", "mysql-report")
	if !strings.Contains(stdout, "MYSQL_REPORTS_URL is not read; did you mean MYSQL_REPORT_URL?") {
		t.Errorf("got\n%s", stdout)
	}
}

func TestAProjectThatAllProgramsAreToldOfConfiguresNothing(t *testing.T) {
	status, stdout, _ := mooring(t, []string{"GOOGLE_CLOUD_PROJECT=some-project"}, "doctor", "-json")
	if status != statusWrong || !strings.Contains(stdout, `"status": "skip"`) {
		t.Errorf("alone it makes the doctor exit with %d after\n%s", status, stdout)
	}
	status, stdout, _ = mooring(t, append(start(t, "redis").Env, "GOOGLE_CLOUD_PROJECT=some-project"), "doctor")
	const row = "pubsub  skip  -  -  -  -  -  -  -  -  nothing of its own: GOOGLE_CLOUD_PROJECT\n"
	if status != statusWell || !strings.Contains(plain(stdout), row) {
		t.Errorf("it exits with %d after\n%s", status, stdout)
	}
	instances, err := find(nil)
	if err != nil {
		t.Fatal(err)
	}
	rep := newReport(instances, []string{"GOOGLE_CLOUD_PROJECT=p", "PUBSUB_CHECK_TOPIC=orders"}, false, nil)
	if !rep.Findings[3].wanted {
		t.Error("a variable of its own does not make Pub/Sub wanted")
	}
}

func TestAnInstanceIsCalledAsItsBackendOrBeginsWithThatAndADash(t *testing.T) {
	found, err := find([]string{"redis-mysql", "mysql", "redis-mysql", "mysql"})
	if err != nil || len(found) != 2 || found[0].Title != "Redis" || found[1].name != "mysql" {
		t.Errorf("got %+v, %v", found, err)
	}
}
