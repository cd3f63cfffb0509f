/* Signals as programs see them: delivery, frames, restart rules, timers, job control. Each line of output is ok or FAIL; runs the same on Linux. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>
#include <errno.h>
#include <sys/wait.h>
#include <sys/time.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <pthread.h>
#include <time.h>
#include <setjmp.h>
#include <sys/mman.h>
static volatile int got; static volatile int code; static volatile void *addr;
static void h(int s){got++;}
static void hi(int s, siginfo_t*i, void*u){got=s;code=i->si_code;addr=i->si_addr;}
#define CHECK(x) do{ if(!(x)) {printf("FAIL %d: %s errno %d\n",__LINE__,#x,errno);} else printf("ok %d\n",__LINE__);}while(0)
static sigjmp_buf jb;
static void segv(int s, siginfo_t*i, void*u){ code=i->si_code; addr=i->si_addr; siglongjmp(jb,1);}
static volatile int onstack; static char alt[65536];
static void al(int s){ char c; onstack = (&c>alt && &c<alt+sizeof alt); }
static void fix(int s, siginfo_t*i, void*u){ ucontext_t*c=u; c->uc_mcontext.gregs[REG_RAX]=42; c->uc_mcontext.gregs[REG_RIP]+=2; }
static void fpu(int s){ volatile double d=1; for(int i=0;i<10;i++) d=d*3.3/1.1; got++; }
static void *thr(void*p){ sleep(100); return 0; }
static volatile int tsig; static void th(int s){ tsig=syscall(SYS_gettid);}
static void *thr2(void*p){ struct timespec t={5,0}; *(int*)p=syscall(SYS_gettid); int r=nanosleep(&t,&t); return (void*)(long)(r==-1?errno:0);}
int main(int argc,char**argv){
  if(argc>1) _exit(7);
  setvbuf(stdout,0,_IONBF,0);
  struct sigaction sa={0}; sa.sa_handler=h; sigaction(SIGUSR1,&sa,0);
  kill(getpid(),SIGUSR1); CHECK(got==1);
  raise(SIGUSR1); CHECK(got==2);
  // fp state across handler
  { struct sigaction f={0}; f.sa_handler=fpu; sigaction(SIGUSR2,&f,0); double a=1.5,b=2.25; got=0; asm volatile("movsd %0,%%xmm7"::"m"(a)); 
    { long pid=getpid(); } double out; 
    long p=getpid(); register long rax asm("rax")=SYS_kill; 
    asm volatile("movsd %2,%%xmm9; syscall; movsd %%xmm9,%0":"=m"(out),"+a"(rax):"m"(b),"D"(p),"S"(SIGUSR2):"rcx","r11","memory","xmm9"); CHECK(got==1); CHECK(out==2.25);}
  // mask
  sigset_t s,o; sigemptyset(&s); sigaddset(&s,SIGUSR1); got=0; sigaction(SIGUSR1,&sa,0); sigprocmask(SIG_BLOCK,&s,&o); kill(getpid(),SIGUSR1); kill(getpid(),SIGUSR1); CHECK(got==0);
  sigset_t pend; sigpending(&pend); CHECK(sigismember(&pend,SIGUSR1)==1);
  sigprocmask(SIG_UNBLOCK,&s,0); CHECK(got==1);
  // realtime queue
  { int rt=SIGRTMIN+1; sigset_t r; sigemptyset(&r); sigaddset(&r,rt); sigprocmask(SIG_BLOCK,&r,0); union sigval v; for(int i=0;i<3;i++){v.sival_int=i; sigqueue(getpid(),rt,v);} siginfo_t si; for(int i=0;i<3;i++){ int k=sigwaitinfo(&r,&si); CHECK(k==rt && si.si_value.sival_int==i && si.si_code==SI_QUEUE);} struct timespec t={0,1000000}; CHECK(sigtimedwait(&r,&si,&t)==-1 && errno==EAGAIN);}
  // segv
  { struct sigaction f={0}; f.sa_sigaction=segv; f.sa_flags=SA_SIGINFO; sigaction(SIGSEGV,&f,0); sigaction(SIGBUS,&f,0); if(!sigsetjmp(jb,1)) *(volatile int*)0x1234=1; CHECK(addr==(void*)0x1234 && code==SEGV_MAPERR);
    char*m=mmap(0,4096,PROT_READ,MAP_PRIVATE|MAP_ANONYMOUS,-1,0); if(!sigsetjmp(jb,1)) *m=1; CHECK(addr==m && code==SEGV_ACCERR);
    if(!sigsetjmp(jb,1)) *(volatile int*)0x123456789abcdef0=1; CHECK(code==SI_KERNEL); }
  // div by zero, sigill fix
  { struct sigaction f={0}; f.sa_sigaction=fix; f.sa_flags=SA_SIGINFO; sigaction(SIGILL,&f,0); long r=1; asm volatile("ud2":"+a"(r)); CHECK(r==42);
    f.sa_sigaction=segv; sigaction(SIGFPE,&f,0); volatile int z=0; volatile int one=1; if(!sigsetjmp(jb,1)) asm volatile("xor %%edx,%%edx; mov $1,%%eax; xor %%ecx,%%ecx; idivl %%ecx":::"eax","ecx","edx"); CHECK(code==FPE_INTDIV);}
  // altstack
  { stack_t ss={alt,0,sizeof alt}; CHECK(sigaltstack(&ss,0)==0); struct sigaction f={0}; f.sa_handler=al; f.sa_flags=SA_ONSTACK; sigaction(SIGUSR2,&f,0); raise(SIGUSR2); CHECK(onstack==1); stack_t q; sigaltstack(0,&q); CHECK(q.ss_flags==0 && q.ss_sp==alt);}
  // EINTR and restart
  { got=0; struct sigaction f={0}; f.sa_handler=h; sigaction(SIGALRM,&f,0); struct itimerval it={{0,0},{0,20000}}; setitimer(ITIMER_REAL,&it,0); int p[2]; pipe(p); char c; int r=read(p[0],&c,1); CHECK(r==-1&&errno==EINTR&&got==1);
    f.sa_flags=SA_RESTART; sigaction(SIGALRM,&f,0); setitimer(ITIMER_REAL,&it,0); if(!fork()){usleep(60000);write(p[1],"x",1);_exit(0);} r=read(p[0],&c,1); CHECK(r==1&&c=='x'&&got==2); int st; wait(&st);
    setitimer(ITIMER_REAL,&it,0); struct timespec t={1,0},rem={0}; r=nanosleep(&t,&rem); CHECK(r==-1&&errno==EINTR&&rem.tv_nsec>900000000);
    setitimer(ITIMER_REAL,&it,0); sigset_t e; sigemptyset(&e); r=sigsuspend(&e); CHECK(r==-1&&errno==EINTR&&got==4);
    alarm(0); }
  // posix timer
  { timer_t t; struct sigevent ev={0}; ev.sigev_notify=SIGEV_SIGNAL; ev.sigev_signo=SIGUSR1; ev.sigev_value.sival_int=77; struct sigaction f={0}; f.sa_sigaction=hi; f.sa_flags=SA_SIGINFO; sigaction(SIGUSR1,&f,0); got=0; CHECK(timer_create(CLOCK_MONOTONIC,&ev,&t)==0); struct itimerspec its={{0,5000000},{0,5000000}}; timer_settime(t,0,&its,0); while(!got)pause(); CHECK(got==SIGUSR1&&code==SI_TIMER); timer_delete(t);}
  // children
  { int st; pid_t c=fork(); if(!c){_exit(5);} CHECK(waitpid(c,&st,0)==c&&WIFEXITED(st)&&WEXITSTATUS(st)==5);
    c=fork(); if(!c){pause();_exit(0);} kill(c,SIGSTOP); CHECK(waitpid(c,&st,WUNTRACED)==c&&WIFSTOPPED(st)&&WSTOPSIG(st)==SIGSTOP); kill(c,SIGCONT); CHECK(waitpid(c,&st,WCONTINUED)==c&&WIFCONTINUED(st)); kill(c,SIGTERM); CHECK(waitpid(c,&st,0)==c&&WIFSIGNALED(st)&&WTERMSIG(st)==SIGTERM);
    CHECK(waitpid(-1,&st,0)==-1&&errno==ECHILD);
    c=fork(); if(!c){abort();} waitpid(c,&st,0); CHECK(WIFSIGNALED(st)&&WTERMSIG(st)==SIGABRT);
    c=vfork(); if(!c){_exit(9);} waitpid(c,&st,0); CHECK(WEXITSTATUS(st)==9);
    siginfo_t si; c=fork(); if(!c)_exit(3); CHECK(waitid(P_PID,c,&si,WEXITED|WNOWAIT)==0&&si.si_pid==c&&si.si_status==3&&si.si_code==CLD_EXITED); CHECK(waitpid(c,&st,WNOHANG)==c);
    signal(SIGCHLD,SIG_IGN); c=fork(); if(!c)_exit(1); CHECK(waitpid(c,&st,0)==-1&&errno==ECHILD); signal(SIGCHLD,SIG_DFL);
    c=fork(); if(!c){pause();_exit(0);} kill(c,SIGSTOP); CHECK(waitpid(c,&st,WUNTRACED)==c); { pid_t d=fork(); if(!d)_exit(0); waitpid(d,&st,0); usleep(20000); CHECK(waitpid(c,&st,WNOHANG|WCONTINUED)==0); } kill(c,SIGKILL); CHECK(waitpid(c,&st,0)==c&&WTERMSIG(st)==SIGKILL);
    // grandchild reparent
    int p[2]; pipe(p); c=fork(); if(!c){ if(!fork()){ while(getppid()!=1 && getppid()!=0) usleep(1000); int pp=getppid(); write(p[1],&pp,4); _exit(0);} _exit(0);} int pp=-1; read(p[0],&pp,4); CHECK(pp==1);
    wait(&st); wait(&st);
  }
  // threads
  { pthread_t t; void*rv; int tid=0; signal(SIGUSR2,th); struct sigaction f={0}; f.sa_handler=th; sigaction(SIGUSR2,&f,0); pthread_create(&t,0,thr2,&tid); while(!*(volatile int*)&tid) usleep(1000); usleep(10000); pthread_kill(t,SIGUSR2); pthread_join(t,&rv); CHECK((long)rv==EINTR&&tsig==tid);
    for(int i=0;i<20;i++){ pthread_create(&t,0,thr,0); pthread_cancel(t); pthread_join(t,0);} CHECK(1);
  }
  // exec from thread etc
  { int st; pid_t c=fork(); if(!c){ pthread_t t; pthread_create(&t,0,thr,0); execl(argv[0],"hello","e",NULL); _exit(1);} waitpid(c,&st,0); CHECK(WEXITSTATUS(st)==7); }
  // bad sigreturn in child
  { int st; pid_t c=fork(); if(!c){ signal(SIGSEGV,SIG_DFL); asm volatile("mov $16, %%rsp; mov $15,%%eax; syscall":::"memory"); _exit(1);} waitpid(c,&st,0); CHECK(WIFSIGNALED(st)&&WTERMSIG(st)==SIGSEGV);}
  { int st; pid_t c=fork(); if(!c){ setsid(); CHECK(getsid(0)==getpid()&&getpgrp()==getpid()); _exit(0);} waitpid(c,&st,0);}
  printf("done\n"); return 0; }
