/* Random system calls with hostile arguments, from many children: nothing of it may end the Sentry. Arguments: seed, children. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/mman.h>
static unsigned long s; static unsigned long rnd(){s^=s<<13;s^=s>>7;s^=s<<17;return s;}
static long buf[8192];
static long arg(){ switch(rnd()%14){case 0:return 0;case 1:return -1;case 2:return rnd()%16;case 3:return rnd();case 4:return (long)buf;case 5:return (long)buf+rnd()%4096;case 6:return 1L<<(rnd()%64);case 7:return 0x7fffffffffffffff;case 8:return 0x80000000;case 9:return rnd()%512;case 10:return 0x7ffffffff000-rnd()%64;case 11:return -(long)(rnd()%4096);case 12:return 8;default:return (int)rnd();}}
int main(int c,char**v){ unsigned seed=atoi(v[1]); int n=atoi(v[2]); setvbuf(stdout,0,_IONBF,0); signal(SIGCHLD,SIG_DFL);
 for(int i=0;i<n;i++){ pid_t p=fork(); if(!p){ s=seed*1000003ul+i*7919+1; for(int k=0;k<20;k++)rnd(); alarm(1); setpgid(0,0); for(int k=0;k<8192;k++)buf[k]=rnd()%4?0:arg();
   for(int k=0;k<300;k++){ long nr=rnd()%460; if(nr==SYS_exit||nr==SYS_exit_group||nr==SYS_pause||nr==SYS_rt_sigsuspend||nr==SYS_kill||nr==SYS_tkill||nr==SYS_vfork||nr==SYS_fork||nr==SYS_clone||nr==SYS_clone3||nr==SYS_setsid||nr==SYS_rt_sigqueueinfo||nr==SYS_rt_sigprocmask||nr==SYS_alarm||nr==SYS_setitimer||nr==SYS_rt_sigaction||nr==SYS_munmap||nr==SYS_rt_sigreturn&&rnd()%8)continue; syscall(nr,arg(),arg(),arg(),arg(),arg(),arg()); buf[rnd()%8192]=arg(); } _exit(0);} int st=0; for(int w=0;w<3000;w++){ if(waitpid(p,&st,WNOHANG)==p) break; usleep(1000); if(w==2500) {kill(p,SIGKILL);} } }
 printf("fuzz done\n"); return 0; }
