/* Futexes, clone, exec, process groups, identity, clocks, limits. Each line of output is ok or FAIL; runs the same on Linux (as root). */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <time.h>
#include <pthread.h>
#include <grp.h>
#include <sys/wait.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/sysinfo.h>
#include <sys/random.h>
#include <sys/mman.h>
#include <sys/fsuid.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/capability.h>
#define CHECK(x) do{ errno=0; if(!(x)) {printf("FAIL %d: %s errno %d\n",__LINE__,#x,errno);} else printf("ok %d\n",__LINE__);}while(0)
static long fut(int*a,int op,int v,void*t,int*b,int v3){return syscall(SYS_futex,a,op,v,t,b,v3);}
static int f1,f2,woken;
static void*waiter(void*p){ while(fut(&f1,FUTEX_WAIT_PRIVATE,0,0,0,0)==-1&&errno==EINTR); __atomic_add_fetch(&woken,1,5); return 0;}
static void*bits(void*p){ fut(&f2,FUTEX_WAIT_BITSET_PRIVATE,0,0,0,(int)(long)p); __atomic_add_fetch(&woken,1,5); return 0;}
static pthread_mutex_t rm; static void*dier(void*p){ pthread_mutex_lock(&rm); return 0;}
static int cl(void*p){ return (int)(long)p; }
static void*sleeper(void*p){ pause(); return 0;}
static void*execer(void*p){ execl("/proc/self/exe","x","child",NULL); execl(p,"x","child",NULL); _exit(99);}
static char stk[65536];
static void ms(int n){ struct timespec t={0,n*1000000}; nanosleep(&t,0);}
int main(int argc,char**argv){
  setvbuf(stdout,0,_IONBF,0);
  if(argc>1&&!strcmp(argv[1],"child")){ _exit(getpid()==syscall(SYS_gettid)?23:24); }
  int st; pid_t c; pthread_t t[4]; void*rv;
  // futex
  { for(int i=0;i<4;i++)pthread_create(&t[i],0,waiter,0);
    int moved=0; while(moved<4) { int r=fut(&f1,FUTEX_CMP_REQUEUE_PRIVATE,0,(void*)10,&f2,0); if(r<0){CHECK(0);break;} moved+=r; sched_yield(); }
    CHECK(fut(&f2,FUTEX_CMP_REQUEUE_PRIVATE,1,(void*)10,&f1,1)==-1&&errno==EAGAIN);
    CHECK(fut(&f2,FUTEX_CMP_REQUEUE_PRIVATE,1,(void*)10,&f1,0)==4); CHECK(fut(&f2,FUTEX_WAKE_PRIVATE,10,0,0,0)==0); CHECK(fut(&f1,FUTEX_WAKE_PRIVATE,2,0,0,0)==2); CHECK(fut(&f1,FUTEX_WAKE_PRIVATE,10,0,0,0)==1); for(int i=0;i<4;i++)pthread_join(t[i],0); CHECK(woken==4);
    pthread_create(&t[0],0,bits,(void*)1); pthread_create(&t[1],0,bits,(void*)2); while(fut(&f2,FUTEX_WAKE_BITSET_PRIVATE,10,0,0,2)!=1) sched_yield(); pthread_join(t[1],0); CHECK(fut(&f2,FUTEX_WAKE_BITSET_PRIVATE,10,0,0,4)==0); while(fut(&f2,FUTEX_WAKE_PRIVATE,10,0,0,0)!=1) sched_yield(); pthread_join(t[0],0); CHECK(fut(&f2,FUTEX_WAKE_BITSET_PRIVATE,10,0,0,0)==-1&&errno==EINVAL);
    struct timespec ts={0,20000000}; CHECK(fut(&f1,FUTEX_WAIT_PRIVATE,0,&ts,0,0)==-1&&errno==ETIMEDOUT); CHECK(fut(&f1,FUTEX_WAIT_PRIVATE,1,&ts,0,0)==-1&&errno==EAGAIN); CHECK(fut((int*)((char*)&f1+1),FUTEX_WAIT_PRIVATE,1,&ts,0,0)==-1&&errno==EINVAL); CHECK(fut((int*)16,FUTEX_WAIT_PRIVATE,1,&ts,0,0)==-1&&errno==EFAULT);
    pthread_create(&t[0],0,waiter,0); int r; do { sched_yield(); f2=5; r=fut(&f1,FUTEX_WAKE_OP_PRIVATE,1,(void*)1,&f2,FUTEX_OP(FUTEX_OP_ADD,3,FUTEX_OP_CMP_EQ,5)); } while(r==0); CHECK(r==1); CHECK(f2==8); pthread_join(t[0],0);
    int*sh=mmap(0,4096,3,MAP_SHARED|MAP_ANONYMOUS,-1,0); c=fork(); if(!c){ _exit(fut(sh,FUTEX_WAIT,0,0,0,0)==0?0:1);} while(fut(sh,FUTEX_WAKE,1,0,0,0)!=1) sched_yield(); waitpid(c,&st,0); CHECK(st==0); }
  // robust mutex
  { pthread_mutexattr_t a; pthread_mutexattr_init(&a); pthread_mutexattr_setrobust(&a,PTHREAD_MUTEX_ROBUST); pthread_mutex_init(&rm,&a); pthread_create(&t[0],0,dier,0); pthread_join(t[0],0); CHECK(pthread_mutex_lock(&rm)==EOWNERDEAD); }
  // clone
  { c=clone(cl,stk+65536,SIGCHLD,(void*)7); CHECK(waitpid(c,&st,0)==c&&WEXITSTATUS(st)==7);
    c=clone(cl,stk+65536,0,(void*)8); CHECK(waitpid(c,&st,0)==-1&&errno==ECHILD); CHECK(waitpid(c,&st,__WCLONE)==c&&WEXITSTATUS(st)==8);
    int pt=0; c=clone(cl,stk+65536,CLONE_VM|CLONE_PARENT_SETTID|SIGCHLD,(void*)9,&pt,0,0); CHECK(pt==c); waitpid(c,&st,0);
    struct clone_args ca={0}; ca.exit_signal=SIGCHLD; c=syscall(SYS_clone3,&ca,sizeof ca); if(!c)_exit(4); CHECK(waitpid(c,&st,0)==c&&WEXITSTATUS(st)==4);
    CHECK(syscall(SYS_clone,CLONE_SIGHAND,0,0,0,0)==-1&&errno==EINVAL); CHECK(syscall(SYS_clone3,&ca,8)==-1&&errno==EINVAL); }
  // exec from a thread
  { c=fork(); if(!c){ pthread_create(&t[0],0,sleeper,0); pthread_create(&t[1],0,execer,argv[0]); pause(); } CHECK(waitpid(c,&st,0)==c&&WEXITSTATUS(st)==23); }
  { c=fork(); if(!c){ execl(argv[0],"x","child",NULL); _exit(1);} waitpid(c,&st,0); CHECK(WEXITSTATUS(st)==23); CHECK(execl("/nonexist","x",NULL)==-1&&errno==ENOENT); CHECK(execl("/","x",NULL)==-1&&errno==EACCES);}
  // exit_group from a thread with others; leader exits first
  { c=fork(); if(!c){ pthread_create(&t[0],0,sleeper,0); exit(6);} waitpid(c,&st,0); CHECK(WEXITSTATUS(st)==6); }
  // groups and sessions
  { c=fork(); if(!c){ for(;;)pause(); } CHECK(setpgid(c,c)==0); CHECK(getpgid(c)==c); CHECK(kill(-c,SIGKILL)==0); CHECK(waitpid(-c,&st,0)==c&&WTERMSIG(st)==SIGKILL); CHECK(kill(c,0)==-1&&errno==ESRCH); CHECK(setpgid(0,99999)==-1&&errno==EPERM); CHECK(getsid(0)>=0); }
  // names, prctl
  { char b[17]="thisnameistoolongx"; prctl(PR_SET_NAME,"thisnameistoolong"); prctl(PR_GET_NAME,b); CHECK(!strcmp(b,"thisnameistoolo")); CHECK(prctl(PR_GET_DUMPABLE)==1); CHECK(prctl(PR_SET_PDEATHSIG,SIGTERM)==0); int d=0; prctl(PR_GET_PDEATHSIG,&d); CHECK(d==SIGTERM); CHECK(prctl(PR_SET_PDEATHSIG,0)==0); CHECK(prctl(12345)==-1&&errno==EINVAL); CHECK(prctl(PR_CAPBSET_READ,0)==1); CHECK(prctl(PR_CAPBSET_READ,63)==-1&&errno==EINVAL);}
  { prctl(PR_SET_CHILD_SUBREAPER,1); int p[2]; pipe(p); c=fork(); if(!c){ pid_t me=getpid(); if(!fork()){ while(getppid()==me) ms(2); int pp=getppid(); write(p[1],&pp,4); _exit(0);} _exit(0);} int pp; waitpid(c,&st,0); read(p[0],&pp,4); CHECK(pp==getpid()); CHECK(wait(&st)>0); }
  { int p[2]; pipe(p); c=fork(); if(!c){ pid_t g=fork(); if(!g){ signal(SIGTERM,SIG_DFL); prctl(PR_SET_PDEATHSIG,SIGKILL); write(p[1],"x",1); pause(); } char x; read(p[0],&x,1); _exit(0);} waitpid(c,&st,0); pid_t g=wait(&st); CHECK(g>0&&WIFSIGNALED(st)&&WTERMSIG(st)==SIGKILL); }
  // limits
  { struct rlimit r; CHECK(getrlimit(RLIMIT_NOFILE,&r)==0); r.rlim_cur=r.rlim_max+1; CHECK(setrlimit(RLIMIT_NOFILE,&r)==-1&&errno==EINVAL); r.rlim_cur=10; CHECK(setrlimit(RLIMIT_NOFILE,&r)==0); int n=0; while(dup(0)>=0)n++; CHECK(errno==EMFILE||n<10); for(int i=3;i<12;i++)close(i); CHECK(getrlimit(77,&r)==-1&&errno==EINVAL); }
  // identity
  { c=fork(); if(!c){ gid_t g[2]={5,6}; int bad=0; bad|=setgroups(2,g); bad|=setresgid(100,101,102)<<1; bad|=setresuid(1000,1001,1002)<<2; uid_t a,b,d; getresuid(&a,&b,&d); bad|=!(a==1000&&b==1001&&d==1002)<<3; bad|=!(setuid(0)==-1&&errno==EPERM)<<4; bad|=!(seteuid(1002)==0&&geteuid()==1002)<<5; struct __user_cap_header_struct h={_LINUX_CAPABILITY_VERSION_3,0}; struct __user_cap_data_struct k[2]; syscall(SYS_capget,&h,k); bad|=!(k[0].effective==0&&k[0].permitted==0)<<6; _exit(bad);} waitpid(c,&st,0); CHECK(st==0); }
  { c=fork(); if(!c){ prctl(PR_SET_KEEPCAPS,1); setresuid(7,7,7); struct __user_cap_header_struct h={_LINUX_CAPABILITY_VERSION_3,0}; struct __user_cap_data_struct k[2]; syscall(SYS_capget,&h,k); _exit(k[0].permitted!=0&&k[0].effective==0?0:1);} waitpid(c,&st,0); CHECK(st==0); }
  { c=fork(); if(!c){ setresuid(7,7,7); _exit(kill(getppid(),0)==-1&&errno==EPERM?0:1);} waitpid(c,&st,0); CHECK(st==0); }
  // time
  { struct timespec a,b; clock_gettime(CLOCK_MONOTONIC,&a); struct timespec abs=a; abs.tv_nsec+=20000000; if(abs.tv_nsec>=1000000000){abs.tv_sec++;abs.tv_nsec-=1000000000;} CHECK(clock_nanosleep(CLOCK_MONOTONIC,TIMER_ABSTIME,&abs,0)==0); clock_gettime(CLOCK_MONOTONIC,&b); CHECK((b.tv_sec-a.tv_sec)*1000000000L+b.tv_nsec-a.tv_nsec>=20000000); struct timespec bad={0,1000000000}; CHECK(syscall(SYS_nanosleep,&bad,0)==-1&&errno==EINVAL); CHECK(clock_gettime(99,&a)==-1&&errno==EINVAL); CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID,&a)==0); struct timeval tv; gettimeofday(&tv,0); CHECK(tv.tv_sec>1600000000&&labs(tv.tv_sec-time(0))<=1); struct tms tb; CHECK(times(&tb)!=-1); }
  { struct itimerval it={{0,0},{100,0}},o; CHECK(setitimer(ITIMER_REAL,&it,0)==0); CHECK(getitimer(ITIMER_REAL,&o)==0&&o.it_value.tv_sec>=98&&o.it_value.tv_sec<=100); CHECK(alarm(0)>=99); CHECK(setitimer(9,&it,0)==-1&&errno==EINVAL); }
  // system
  { struct utsname u; CHECK(uname(&u)==0&&!strcmp(u.sysname,"Linux")&&!strcmp(u.machine,"x86_64")); struct sysinfo si; CHECK(sysinfo(&si)==0&&si.totalram>0&&si.procs>0); char r[16]={0},z[16]={0}; CHECK(getrandom(r,16,0)==16&&memcmp(r,z,16)); CHECK(getrandom(r,16,99)==-1&&errno==EINVAL); cpu_set_t cs; CHECK(sched_getaffinity(0,sizeof cs,&cs)==0&&CPU_COUNT(&cs)>=1); CHECK(sched_getscheduler(0)==0); CHECK(getpriority(PRIO_PROCESS,0)==0); CHECK(sched_yield()==0); CHECK(syscall(SYS_gettid)==getpid()); }
  { CHECK(syscall(SYS_rt_sigaction,SIGKILL,(long[4]){1,0,0,0},0,8)==-1&&errno==EINVAL); CHECK(syscall(SYS_rt_sigprocmask,9,(long[1]){1},0,8)==-1&&errno==EINVAL); CHECK(syscall(SYS_rt_sigprocmask,0,16,0,8)==-1&&errno==EFAULT); CHECK(kill(1,99)==-1&&errno==EINVAL); CHECK(syscall(SYS_tgkill,-1,1,0)==-1&&errno==EINVAL); CHECK(syscall(9999)==-1&&errno==ENOSYS);}
  printf("done\n"); return 0; }
